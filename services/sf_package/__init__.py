"""The Salesforce package: what is deployed to an organisation, generated from the table of fields.

``build.files`` gives every file of ``sf/`` as text; ``scripts/make_package.py`` writes them. The
other modules say what each kind of metadata holds. ``rules`` and ``preflight`` read the other way:
what the packaged files say about a record, and what an organisation lacks.
"""
