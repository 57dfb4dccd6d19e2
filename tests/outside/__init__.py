"""Steerco tried from outside: the real command, the real emulator, two Salesforce servers."""
