"""ldap3 for Python (Debian: python3-ldap3) as a client of the lab's forest.

Reads one line of JSON from its input (where the domain controller is, whom to bind as, what to look for), and asserts.
"""
import json
import ssl
import sys
import uuid

from ldap3 import (
    ALL,
    BASE,
    MODIFY_ADD,
    MODIFY_DELETE,
    MODIFY_REPLACE,
    SUBTREE,
    AUTO_BIND_TLS_BEFORE_BIND,
    Connection,
    Server,
    Tls,
)
from ldap3.core.exceptions import (
    LDAPAttributeError,
    LDAPAttributeOrValueExistsResult,
    LDAPBindError,
    LDAPInvalidCredentialsResult,
    LDAPNoSuchAttributeResult,
    LDAPSocketOpenError,
    LDAPStrongerAuthRequiredResult,
)

lab = json.loads(sys.stdin.readline())
ROOT = lab["base"]
PARTITIONS = "CN=Partitions,CN=Configuration," + ROOT
PEOPLE = "(&(objectCategory=person)(objectClass=user))"


def server(url, authority=lab["authority"]):
    tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=authority)
    # Root DSE and schema are read when the connection opens, and every name is checked against them.
    return Server(url, tls=tls, get_info=ALL)


def bound(to, **how):
    how = {"auto_bind": True, "raise_exceptions": True, "auto_referrals": False, **how}
    return Connection(to, lab["name"], lab["password"], **how)


def raises(error, call, *arguments):
    try:
        call(*arguments)
    except error:
        return
    raise AssertionError(f"{arguments} was not refused with {error}")


def encryption_is_demanded_and_verified():
    raises((LDAPStrongerAuthRequiredResult, LDAPBindError), bound, server(lab["ldap"]))
    # Another authority did not sign the lab's certificate.
    raises(LDAPSocketOpenError, bound, server(lab["ldaps"], lab["stranger"]))
    wrong = Connection(server(lab["ldaps"]), lab["name"], "wrong", raise_exceptions=True)
    raises(LDAPInvalidCredentialsResult, wrong.bind)


def root_dse_and_schema(connection):
    info, schema = connection.server.info, connection.server.schema
    assert info.other["defaultNamingContext"] == [ROOT], info.other
    assert "1.2.840.113556.1.4.319" in [control[0] for control in info.supported_controls]
    assert "EXTERNAL" in info.supported_sasl_mechanisms, info.supported_sasl_mechanisms
    assert schema is not None, "the schema was not read"
    upn = schema.attribute_types["userPrincipalName"]
    assert (upn.oid, upn.single_value) == ("1.2.840.113556.1.4.656", True), upn
    user = schema.object_classes["user"]
    assert user.superior == ["organizationalPerson"] and "userPrincipalName" in user.may_contain, user
    # With the schema, values get their types.
    connection.search("CN=krbtgt,CN=Users," + ROOT, "(objectClass=*)", BASE, attributes=["*"])
    entry = connection.entries[0]
    assert entry.userAccountControl.value == 514, entry
    assert isinstance(entry.whenCreated.value.year, int), entry
    assert uuid.UUID(entry.objectGUID.value.strip("{}")), entry
    assert entry.objectSid.value.startswith("S-1-5-21-"), entry
    assert entry.isCriticalSystemObject.value is True, entry
    raises(LDAPAttributeError, connection.search, ROOT, "(noSuchAttribute=1)")


def paged_search(connection):
    found = connection.extend.standard.paged_search(
        ROOT, PEOPLE, SUBTREE, attributes=["sAMAccountName"], paged_size=150, generator=True
    )
    names = [entry["attributes"]["sAMAccountName"] for entry in found if entry["type"] == "searchResEntry"]
    assert len(names) == len(set(names)) == lab["people"], (len(names), lab["people"])


def ranged_attribute(connection):
    # The library asks for the other ranges by itself.
    connection.search(lab["group"], "(objectClass=*)", BASE, attributes=["member"])
    members = connection.response[0]["attributes"]["member"]
    assert len(members) == len(set(members)) == lab["members"], len(members)


def upn_of(connection, dn):
    connection.search(dn, "(objectClass=*)", BASE, attributes=["userPrincipalName"])
    return connection.entries[0].userPrincipalName.value


def compare_and_swap(connection):
    def swap(before, after):
        change = {"userPrincipalName": [(MODIFY_DELETE, [before]), (MODIFY_ADD, [after])]}
        connection.modify(lab["target"], change)

    before = upn_of(connection, lab["target"])
    swap(before, "swapped@ldap3.example")
    assert upn_of(connection, lab["target"]) == "swapped@ldap3.example"
    assert connection.compare(lab["target"], "userPrincipalName", "SWAPPED@ldap3.example")
    raises(LDAPNoSuchAttributeResult, swap, before, "again@ldap3.example")
    assert upn_of(connection, lab["target"]) == "swapped@ldap3.example"


def upn_suffix(connection):
    add = {"uPNSuffixes": [(MODIFY_ADD, ["ldap3.example"])]}
    connection.modify(PARTITIONS, add)
    connection.search(PARTITIONS, "(objectClass=*)", BASE, attributes=["uPNSuffixes"])
    assert "ldap3.example" in connection.entries[0].uPNSuffixes.values, connection.entries
    raises(LDAPAttributeOrValueExistsResult, connection.modify, PARTITIONS, add)


def changes_by_dir_sync(connection):
    def read(cookie):
        sync = connection.extend.microsoft.dir_sync(
            ROOT, PEOPLE, attributes=["userPrincipalName"], cookie=cookie, incremental_values=True, max_length=65536
        )
        found = []
        while sync.more_results:
            found += sync.loop()
        return found, sync.cookie

    everybody, cookie = read(None)
    assert len(everybody) == lab["people"], len(everybody)
    connection.modify(lab["target"], {"userPrincipalName": [(MODIFY_REPLACE, ["dirsync@ldap3.example"])]})
    changed, _ = read(cookie)
    assert len(changed) == 1, changed
    assert changed[0]["attributes"]["userPrincipalName"] == "dirsync@ldap3.example", changed


encryption_is_demanded_and_verified()
for connection in bound(server(lab["ldaps"])), bound(server(lab["ldap"]), auto_bind=AUTO_BIND_TLS_BEFORE_BIND):
    assert connection.extend.standard.who_am_i().startswith("u:")
    root_dse_and_schema(connection)
    paged_search(connection)
connection = bound(server(lab["ldaps"]))
ranged_attribute(connection)
compare_and_swap(connection)
upn_suffix(connection)
changes_by_dir_sync(connection)
connection.unbind()
print("ok")
