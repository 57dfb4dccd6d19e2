"""Fixtures that every part of the tests may use."""

from tests.emulator import firestore_emulator, firestore_endpoint

__all__ = ["firestore_emulator", "firestore_endpoint"]
