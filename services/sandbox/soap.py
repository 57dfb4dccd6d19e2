"""SOAP login, which some clients still use."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.sax.saxutils import escape

from services.sandbox import auth, storage
from services.sandbox.org import Org
from services.sandbox.wire import Answer

_MEDIA = "text/xml;charset=UTF-8"
_LOGIN = """<?xml version="1.0" encoding="UTF-8"?>\
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"\
 xmlns="urn:partner.soap.sforce.com"><soapenv:Body><loginResponse><result>\
<metadataServerUrl>{origin}/services/Soap/m/{version}/{organization}</metadataServerUrl>\
<passwordExpired>false</passwordExpired><sandbox>true</sandbox>\
<serverUrl>{origin}/services/Soap/u/{version}/{organization}</serverUrl>\
<sessionId>{token}</sessionId><userId>{user}</userId><userInfo>\
<organizationId>{organization}</organizationId><organizationName>{name}</organizationName>\
<sessionSecondsValid>7200</sessionSecondsValid><userEmail>{email}</userEmail>\
<userFullName>{full_name}</userFullName><userId>{user}</userId><userName>{username}</userName>\
<userTimeZone>GMT</userTimeZone><userType>Standard</userType></userInfo>\
</result></loginResponse></soapenv:Body></soapenv:Envelope>"""
_FAULT = """<?xml version="1.0" encoding="UTF-8"?>\
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"\
 xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault>\
<faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring><detail>\
<sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode>\
<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail>\
</soapenv:Fault></soapenv:Body></soapenv:Envelope>"""
_BAD_LOGIN = (
    "Invalid username, password, security token; or user locked out. Are you at a new location?"
    " When accessing Salesforce--either via a desktop client or the API--from outside of your"
    " company’s trusted networks, you must add a security token to your password to log in."
)


def login(org: Org, body: bytes, origin: str, version: str) -> Answer:
    """Answer ``/services/Soap/u/NN.N``: the login call and no other."""
    try:
        envelope = ElementTree.fromstring(body)
    except ElementTree.ParseError as bad:
        return _fault("INVALID_XML", str(bad))
    texts = {_local(element.tag): element.text or "" for element in envelope.iter()}
    if "login" not in texts:
        return _fault("INVALID_OPERATION", "Only login is supported here")
    db = org.store.connection()
    try:
        user = auth.check_password(db, texts.get("username", ""), texts.get("password", ""))
    except auth.LoginRefused:
        return _fault("INVALID_LOGIN", _BAD_LOGIN)
    (name,) = db.execute("SELECT Name FROM Organization").fetchone()
    values = {
        "origin": origin,
        "version": version,
        "organization": storage.setting(db, "organization"),
        "name": name,
        "token": auth.token_for(db, user["Username"]),
        "user": user["Id"],
        "email": user["Email"],
        "full_name": user["Name"],
        "username": user["Username"],
    }
    text = _LOGIN.format(**{key: escape(value) for key, value in values.items()})
    return Answer(200, text.encode(), media=_MEDIA)


def unknown_service(path: str) -> Answer:
    """The fault of a SOAP service that is not here."""
    return _fault("INVALID_OPERATION", f"There is no such service here: {path}")


def _fault(code: str, message: str) -> Answer:
    text = _FAULT.format(code=code, message=escape(message))
    return Answer(500, text.encode(), media=_MEDIA)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
