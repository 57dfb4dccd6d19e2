"""What a new org holds: the organization, its users, a queue and the record types."""

from __future__ import annotations

import random
import secrets
import sqlite3
from collections.abc import Callable
from typing import Any

from services.sandbox import storage
from services.sandbox.auth import INTEGRATION_USERNAME
from services.sandbox.ids import DIGITS
from services.sandbox.incoming import stamp
from services.sandbox.standard import schema
from services.sandbox.storage import Store
from services.sandbox.ticket import RECORD_TYPES
from store.clock import Clock
from store.fields import SOBJECT

QUEUE_NAME = "IT Intake"
_PEOPLE = (
    # First, last, username, department, title, active. Two people are called Kim Lee, which a
    # directory that finds people by name can't resolve, and Olga Pauli has left.
    ("Ana", "Ruiz", "ana", "Product", "Product Director", True),
    ("Ben", "Osei", "ben", "Marketing", "Demand Generation Lead", True),
    ("Chloe", "Tan", "chloe", "Events", "Events Manager", True),
    ("Dev", "Patel", "dev", "IT", "Engineering Manager", True),
    ("Eva", "Lund", "eva", "IT", "Data Engineering Lead", True),
    ("Farid", "Noor", "farid", "IT", "Salesforce Architect", True),
    ("Gita", "Rao", "gita", "IT", "Quality Lead", True),
    ("Hugo", "Blum", "hugo", "Sales", "Sales Operations Lead", True),
    ("Ines", "Costa", "ines", "Sponsorship", "Sponsorship Manager", True),
    ("Jon", "Ek", "jon", "Finance", "Chief Financial Officer", True),
    ("Kim", "Lee", "kim.lee", "IT", "Developer", True),
    ("Kim", "Lee", "kim.lee2", "Marketing", "Designer", True),
    ("Olga", "Pauli", "olga", "IT", "Developer", False),
    # Those of the sample projects, but for Jonas Weber: a name that is nobody's yet.
    ("Amina", "Haddad", "amina", "Product", "Head of Product", True),
    ("Chidi", "Okafor", "chidi", "IT", "Service Manager", True),
    ("Grace", "Kim", "grace", "Customer Success", "Success Lead", True),
    ("Hana", "Sato", "hana", "Product", "Product Manager", True),
    ("Ingrid", "Dahl", "ingrid", "Finance", "Controller", True),
    ("Lucía", "Ferrer", "lucia", "Sponsorship", "Sponsorship Lead", True),
    ("Miles", "Turner", "miles", "Sales", "Sales Director", True),
    ("Omar", "Siddiqui", "omar", "Grants", "Grants Lead", True),
    ("Priya", "Raman", "priya", "Marketing", "Marketing Director", True),
    ("Tomasz", "Nowak", "tomasz", "IT", "Platform Lead", True),
)


def fill(store: Store, clock: Clock, chance: random.Random | None = None) -> None:
    """Fill a new file; does nothing to one that is filled. ``chance`` decides the org's id
    characters and its secret; None takes the system's randomness."""
    with store.transaction() as db:
        if db.execute("SELECT 1 FROM org WHERE key = 'organization'").fetchone():
            return
        dice = chance or secrets.SystemRandom()
        storage.set_setting(db, "pod", "".join(dice.choices(DIGITS, k=3)))
        storage.set_setting(db, "secret", "".join(dice.choices(DIGITS, k=40)))
        storage.set_setting(db, "serial", "1")
        now = stamp(clock())
        add = _adder(db, now)
        integration = add("User", _person("Steerco", "Integration", INTEGRATION_USERNAME))
        db.execute("UPDATE User SET CreatedById = Id, LastModifiedById = Id")
        organization = add("Organization", _ORGANIZATION, integration)
        storage.set_setting(db, "organization", organization)
        for first, last, name, department, title, active in _PEOPLE:
            person = _person(first, last, f"{name}@example.com")
            person |= {"Department": department, "Title": title, "IsActive": int(active)}
            add("User", person, integration)
        queue = {"Name": QUEUE_NAME, "DeveloperName": "IT_Intake", "Type": "Queue"}
        add("Group", queue | {"Email": "it-intake@example.com"}, integration)
        for spec in RECORD_TYPES:
            record_type = {
                "Name": spec.label,
                "DeveloperName": spec.developer_name,
                "Description": spec.description,
                "SobjectType": SOBJECT,
                "IsActive": 1,
            }
            add("RecordType", record_type, integration)


_ORGANIZATION = {
    "Name": "Steerco Sandbox",
    "OrganizationType": "Developer Edition",
    "IsSandbox": 1,
    "InstanceName": "SBX1",
    "TimeZoneSidKey": "GMT",
    "DefaultLocaleSidKey": "en_US",
    "LanguageLocaleKey": "en_US",
}


def _adder(db: sqlite3.Connection, now: str) -> Callable[..., str]:
    def add(name: str, values: dict[str, Any], by: str | None = None) -> str:
        obj = schema()[name.lower()]
        row = {f.name: f.default for f in obj.stored} | values
        row["Id"] = storage.new_id(db, obj.prefix)
        row |= dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), now)
        row |= dict.fromkeys(("CreatedById", "LastModifiedById"), by)
        storage.insert(db, obj, row)
        return str(row["Id"])

    return add


def _person(first: str, last: str, username: str) -> dict[str, Any]:
    return {
        "Username": username,
        "FirstName": first,
        "LastName": last,
        "Name": f"{first} {last}",
        "Email": username,
        "Alias": username.partition("@")[0][:8],
        "IsActive": 1,
    }
