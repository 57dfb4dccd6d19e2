"""A local Salesforce org: the REST API that this program uses, over loopback.

``python -m services.sandbox --db FILE`` serves it; ``process.SandboxProcess`` runs it beside the
program. The server's libraries are imported only where it runs.
"""
