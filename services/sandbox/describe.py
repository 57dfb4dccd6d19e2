"""Describe: what a client is told of the org's objects and fields."""

from __future__ import annotations

from typing import Any

from services.sandbox.conditions import shown_if_changed
from services.sandbox.incoming import seconds_of
from services.sandbox.org import Org
from services.sandbox.schema import NUMBERS, TEXTS, FieldSpec, SfType, SObject
from services.sandbox.standard import children_of, schema
from services.sandbox.wire import Answer, Call
from store.fields import SOBJECT

_SOAP_TYPES = {
    SfType.ID: "tns:ID",
    SfType.REFERENCE: "tns:ID",
    SfType.BOOLEAN: "xsd:boolean",
    SfType.DOUBLE: "xsd:double",
    SfType.PERCENT: "xsd:double",
    SfType.DATE: "xsd:date",
    SfType.DATETIME: "xsd:dateTime",
    SfType.ANY: "xsd:anyType",
}


def global_describe(org: Org, call: Call) -> Answer:
    """Every object in short."""
    objects = [_summary(obj, call.base) for obj in schema().values() if not obj.view]
    whole = {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}
    return shown_if_changed(call, _changed(org), Answer(200, whole))


def basic(org: Org, call: Call, obj: SObject) -> Answer:
    """An object in short, with what was written last."""
    rows = org.store.connection().execute(
        f'SELECT Id FROM "{obj.name}" ORDER BY rowid DESC LIMIT 10'
    )
    recent = [
        {
            "attributes": {
                "type": obj.name,
                "url": f"{call.base}/sobjects/{obj.name}/{row[0]}",
            },
            "Id": row[0],
        }
        for row in rows
    ]
    return Answer(200, {"objectDescribe": _summary(obj, call.base), "recentItems": recent})


def describe(org: Org, call: Call, obj: SObject) -> Answer:
    """An object with its fields, record types and child relationships."""
    whole = _summary(obj, call.base) | {
        "fields": [describe_field(spec) for spec in obj.fields],
        "recordTypeInfos": _record_types(org, call, obj),
        "childRelationships": [
            {
                "cascadeDelete": child.name.endswith("History"),
                "childSObject": child.name,
                "deprecatedAndHidden": False,
                "field": spec.name,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": spec.children,
                "restrictedDelete": False,
            }
            for child, spec in children_of(obj.name).values()
        ],
        "namedLayoutInfos": [],
        "supportedScopes": [{"label": f"All {obj.plural}", "name": "everything"}],
        "actionOverrides": [],
        "searchLayoutable": False,
        "listviewable": None,
        "lookupLayoutable": None,
        "networkScopeFieldName": None,
        "sobjectDescribeOption": "FULL",
    }
    return shown_if_changed(call, _changed(org), Answer(200, whole))


def _changed(org: Org) -> float:
    """When the org's objects last changed: when it was made."""
    found = org.store.connection().execute("SELECT CreatedDate FROM Organization LIMIT 1")
    return seconds_of(found.fetchone()[0])


def _summary(obj: SObject, base: str) -> dict[str, Any]:
    home = f"{base}/sobjects/{obj.name}"
    return {
        "activateable": False,
        "associateEntityType": "History" if obj.name.endswith("History") else None,
        "associateParentEntity": SOBJECT if obj.name.endswith("History") else None,
        "createable": obj.writable,
        "custom": obj.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": obj.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": obj.prefix,
        "label": obj.label,
        "labelPlural": obj.plural,
        "layoutable": obj.writable,
        "mergeable": False,
        "mruEnabled": obj.writable,
        "name": obj.name,
        "queryable": True,
        "replicateable": obj.has("SystemModstamp"),
        "retrieveable": True,
        "searchable": obj.writable,
        "triggerable": obj.writable,
        "undeletable": obj.deletable,
        "updateable": obj.writable,
        "urls": {
            "sobject": home,
            "describe": f"{home}/describe",
            "rowTemplate": f"{home}/{{ID}}",
        },
    }


def describe_field(spec: FieldSpec) -> dict[str, Any]:
    """One field as describe tells it."""
    number = spec.type in NUMBERS
    text = spec.type in TEXTS
    return {
        "aggregatable": spec.filterable,
        "aiPredictionField": False,
        "autoNumber": spec.auto_number,
        "byteLength": spec.length * 3 if text else spec.length,
        "calculated": spec.expression is not None,
        "calculatedFormula": spec.formula,
        "cascadeDelete": False,
        "caseSensitive": spec.case_sensitive,
        "compoundFieldName": None,
        "controllerName": None,
        "createable": spec.writable,
        "custom": spec.custom,
        "defaultValue": spec.default,
        "defaultValueFormula": None,
        "defaultedOnCreate": spec.given,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": spec.external,
        "extraTypeInfo": "plaintextarea" if spec.type is SfType.TEXTAREA else None,
        "filterable": spec.filterable,
        "filteredLookupInfo": _lookup_filter(spec),
        "formulaTreatNullNumberAsZero": False,
        "groupable": spec.filterable and not number,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": spec.id_lookup,
        "inlineHelpText": spec.help,
        "label": spec.label,
        "length": spec.length,
        "mask": None,
        "maskType": None,
        "name": spec.name,
        "nameField": spec.name_field,
        "namePointing": len(spec.refers) > 1,
        "nillable": spec.nillable,
        "permissionable": spec.custom and not spec.required,
        "picklistValues": [
            {
                "active": True,
                "defaultValue": False,
                "label": value,
                "validFor": None,
                "value": value,
            }
            for value in spec.values
        ],
        "polymorphicForeignKey": len(spec.refers) > 1,
        "precision": spec.precision,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(spec.refers),
        "relationshipName": spec.relation,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": spec.type is SfType.PICKLIST,
        "scale": spec.scale,
        "searchPrefilterable": False,
        "soapType": _SOAP_TYPES.get(spec.type, "xsd:string"),
        "sortable": spec.filterable,
        "type": str(spec.type),
        "unique": spec.unique,
        "updateable": spec.writable,
        "writeRequiresMasterRead": False,
    }


def _lookup_filter(spec: FieldSpec) -> dict[str, Any] | None:
    if not spec.only_record_type and not (spec.only_active and spec.custom):
        return None
    return {"controllingFields": [], "dependent": False, "optionalFilter": False}


def _record_types(org: Org, call: Call, obj: SObject) -> list[dict[str, Any]]:
    rows = org.store.connection().execute(
        "SELECT Id, Name, DeveloperName, IsActive FROM RecordType WHERE SobjectType = ?"
        " ORDER BY rowid",
        (obj.name,),
    )
    home = f"{call.base}/sobjects/{obj.name}/describe/layouts"
    infos = [
        {
            "active": bool(active),
            "available": bool(active),
            "defaultRecordTypeMapping": number == 0,
            "developerName": developer_name,
            "master": False,
            "name": name,
            "recordTypeId": record_type,
            "urls": {"layout": f"{home}/{record_type}"},
        }
        for number, (record_type, name, developer_name, active) in enumerate(rows)
    ]
    master = {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": not infos,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": "012000000000000AAA",
        "urls": {"layout": f"{home}/012000000000000AAA"},
    }
    return [*infos, master]
