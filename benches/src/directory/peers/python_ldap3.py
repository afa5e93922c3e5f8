"""Measured: ldap3 for Python. Arguments: task, url, authority, name, password file, then those of the task."""
import ssl
import sys

from ldap3 import MODIFY_ADD, MODIFY_DELETE, NONE, SUBTREE, Connection, Server, Tls

task, url, authority, name, password_file, *rest = sys.argv[1:]
tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=authority)
connection = Connection(
    # Without reading the schema first, which it does unless told.
    Server(url, tls=tls, get_info=NONE),
    name,
    open(password_file).read(),
    auto_bind=True,
    raise_exceptions=True,
    auto_referrals=False,
)
count = 0
if task == "change":
    for line in open(rest[0], encoding="utf-8"):
        _, dn, before, after = line.rstrip("\n").split("\t")
        connection.modify(dn, {"userPrincipalName": [(MODIFY_DELETE, [before]), (MODIFY_ADD, [after])]})
        count += 1
else:
    base, selection, *attributes = rest
    found = connection.extend.standard.paged_search(
        base, selection, SUBTREE, attributes=attributes, paged_size=1000, generator=True
    )
    count = sum(1 for entry in found if entry["type"] == "searchResEntry")
print(count)
