"""python-ldap (Debian: python3-ldap) as a client of the lab's forest.

Reads one line of JSON from its input (where the domain controller is, whom to bind as, what to look for), and asserts.
"""
import json
import struct
import sys

import ldap
import ldap.modlist
import ldap.schema
from ldap.controls import RequestControl, ResponseControl, SimplePagedResultsControl
from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import namedtype, univ

lab = json.loads(sys.stdin.readline())
BASE = lab["base"]
PARTITIONS = "CN=Partitions,CN=Configuration," + BASE
PEOPLE = "(&(objectCategory=person)(objectClass=user))"


def connect(url, start_tls=False, authority=lab["authority"]):
    connection = ldap.initialize(url)
    connection.set_option(ldap.OPT_REFERRALS, 0)
    connection.set_option(ldap.OPT_X_TLS_CACERTFILE, authority)
    connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
    connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    if start_tls:
        connection.start_tls_s()
    return connection


def raises(error, call, *arguments):
    try:
        call(*arguments)
    except error:
        return
    raise AssertionError(f"{call.__name__}{arguments} was not refused with {error.__name__}")


class DirSync(RequestControl, ResponseControl):
    """The DirSync control, which python-ldap leaves to its users."""

    controlType = "1.2.840.113556.1.4.841"

    class Value(univ.Sequence):
        componentType = namedtype.NamedTypes(
            namedtype.NamedType("flags", univ.Integer()),
            namedtype.NamedType("size", univ.Integer()),
            namedtype.NamedType("cookie", univ.OctetString()),
        )

    def __init__(self, cookie=b""):
        RequestControl.__init__(self, self.controlType, True)
        self.more, self.cookie = False, cookie

    def encodeControlValue(self):
        value = self.Value()
        value["flags"], value["size"], value["cookie"] = 0, 1 << 16, self.cookie
        return encoder.encode(value)

    def decodeControlValue(self, encoded):
        value, _ = decoder.decode(encoded, asn1Spec=self.Value())
        self.more, self.cookie = bool(value["flags"]), bytes(value["cookie"])


def encryption_is_demanded_and_verified():
    raises(ldap.STRONG_AUTH_REQUIRED, connect(lab["ldap"]).simple_bind_s, lab["name"], lab["password"])
    # Another authority did not sign the lab's certificate.
    raises(ldap.SERVER_DOWN, connect(lab["ldaps"], authority=lab["stranger"]).whoami_s)
    raises(ldap.INVALID_CREDENTIALS, connect(lab["ldaps"]).simple_bind_s, lab["name"], "wrong")


def bound(**how):
    connection = connect(lab["ldap"] if how else lab["ldaps"], **how)
    connection.simple_bind_s(lab["name"], lab["password"])
    assert connection.whoami_s().startswith("u:"), connection.whoami_s()
    return connection


def root_dse_and_schema(connection):
    root = connection.read_rootdse_s()
    assert root["defaultNamingContext"] == [BASE.encode()], root
    entry = connection.search_subschemasubentry_s("")
    assert entry.startswith("CN=Aggregate,CN=Schema,"), entry
    assert connection.search_subschemasubentry_s("CN=krbtgt,CN=Users," + BASE) == entry
    schema = ldap.schema.SubSchema(connection.read_subschemasubentry_s(entry))
    assert not schema.non_unique_oids, schema.non_unique_oids
    upn = schema.get_obj(ldap.schema.AttributeType, "userPrincipalName")
    assert (upn.oid, upn.single_value, upn.syntax) == ("1.2.840.113556.1.4.656", True, "1.3.6.1.4.1.1466.115.121.1.15")
    assert schema.get_obj(ldap.schema.AttributeType, "uSNChanged").no_user_mod
    user = connection.search_s("CN=krbtgt,CN=Users," + BASE, ldap.SCOPE_BASE)[0][1]
    # Every attribute and class that an entry shows is one of the schema's, and allowed on it.
    classes = [name.decode() for name in user["objectClass"]]
    must, may = schema.attribute_types(classes, raise_keyerror=1)
    allowed = {attribute.names[0] for attribute in [*must.values(), *may.values()]}
    assert set(user) <= allowed, set(user) - allowed


def paged_search(connection):
    page = SimplePagedResultsControl(True, size=200, cookie="")
    names, sizes = [], []
    while True:
        request = connection.search_ext(BASE, ldap.SCOPE_SUBTREE, PEOPLE, ["sAMAccountName"], serverctrls=[page])
        _, entries, _, controls = connection.result3(request)
        entries = [entry for dn, entry in entries if dn is not None]
        names += [entry["sAMAccountName"][0] for entry in entries]
        sizes.append(len(entries))
        (answer,) = [control for control in controls if control.controlType == page.controlType]
        if not answer.cookie:
            break
        page.cookie = answer.cookie
    assert len(names) == len(set(names)) == lab["people"], (len(names), len(set(names)), lab["people"])
    assert set(sizes[:-1]) == {200} and len(sizes) > 2, sizes


def ranged_attribute(connection):
    members, first = [], 0
    while True:
        wanted = f"member;range={first}-*" if first else "member"
        entry = connection.search_s(lab["group"], ldap.SCOPE_BASE, attrlist=[wanted])[0][1]
        (name,) = [name for name in entry if name.lower().startswith("member;range=")]
        members += entry[name]
        last = name.partition("=")[2].partition("-")[2]
        if last == "*":
            break
        first = int(last) + 1
    assert len(members) == len(set(members)) == lab["members"], len(members)


def compare_and_swap(connection):
    target = lab["target"]

    def swap(before, after):
        change = [
            (ldap.MOD_DELETE, "userPrincipalName", [before.encode()]),
            (ldap.MOD_ADD, "userPrincipalName", [after.encode()]),
        ]
        connection.modify_s(target, change)

    def held():
        return connection.search_s(target, ldap.SCOPE_BASE, attrlist=["userPrincipalName"])[0][1]["userPrincipalName"]

    before = held()[0].decode()
    swap(before, "swapped@python-ldap.example")
    assert held() == [b"swapped@python-ldap.example"], held()
    assert connection.compare_s(target, "userPrincipalName", b"SWAPPED@python-ldap.example")
    raises(ldap.NO_SUCH_ATTRIBUTE, swap, before, "again@python-ldap.example")
    assert held() == [b"swapped@python-ldap.example"], held()
    raises(ldap.NO_SUCH_OBJECT, connection.modify_s, "CN=nobody," + BASE, [(ldap.MOD_ADD, "mail", [b"a@b.example"])])


def upn_suffix(connection):
    add = [(ldap.MOD_ADD, "uPNSuffixes", [b"python-ldap.example"])]
    connection.modify_s(PARTITIONS, add)
    held = connection.search_s(PARTITIONS, ldap.SCOPE_BASE, attrlist=["uPNSuffixes"])[0][1]["uPNSuffixes"]
    assert b"python-ldap.example" in held, held
    raises(ldap.TYPE_OR_VALUE_EXISTS, connection.modify_s, PARTITIONS, add)


def changes_by_dir_sync(connection):
    known = {DirSync.controlType: DirSync}

    def read(cookie):
        found, control = [], DirSync(cookie)
        while True:
            request = connection.search_ext(BASE, ldap.SCOPE_SUBTREE, PEOPLE, ["userPrincipalName"], serverctrls=[control])
            _, entries, _, controls, _, _ = connection.result4(request, resp_ctrl_classes=known)
            found += entries
            control = DirSync(controls[0].cookie)
            if not controls[0].more:
                return found, controls[0].cookie

    everybody, cookie = read(b"")
    assert len(everybody) == lab["people"], len(everybody)
    change = [(ldap.MOD_REPLACE, "userPrincipalName", [b"dirsync@python-ldap.example"])]
    connection.modify_s(lab["target"], change)
    changed, _ = read(cookie)
    assert [dn for dn, _ in changed] == [lab["target"]], changed
    assert changed[0][1]["userPrincipalName"] == [b"dirsync@python-ldap.example"], changed


def by_guid_and_bits(connection):
    entry = connection.search_s(lab["target"], ldap.SCOPE_BASE, attrlist=["objectGUID", "objectSid"])[0][1]
    first, second, third = struct.unpack("<IHH", entry["objectGUID"][0][:8])
    rest = entry["objectGUID"][0][8:].hex()
    guid = f"{first:08x}-{second:04x}-{third:04x}-{rest[:4]}-{rest[4:]}"
    found = connection.search_s(f"<GUID={guid}>", ldap.SCOPE_BASE, attrlist=["1.1"])
    assert found == [(lab["target"], {})], found
    escaped = "".join(f"\\{byte:02x}" for byte in entry["objectGUID"][0])
    found = connection.search_s(BASE, ldap.SCOPE_SUBTREE, f"(objectGUID={escaped})", ["1.1"])
    assert (lab["target"], {}) in found, found
    disabled = "(userAccountControl:1.2.840.113556.1.4.803:=2)"
    found = connection.search_s("CN=Users," + BASE, ldap.SCOPE_ONELEVEL, disabled, ["cn"])
    assert sorted(entry["cn"][0] for _, entry in found) == [b"Guest", b"krbtgt"], found


encryption_is_demanded_and_verified()
for connection in bound(), bound(start_tls=True):
    root_dse_and_schema(connection)
    paged_search(connection)
connection = bound()
ranged_attribute(connection)
by_guid_and_bits(connection)
compare_and_swap(connection)
upn_suffix(connection)
changes_by_dir_sync(connection)
connection.unbind_s()
print("ok")
