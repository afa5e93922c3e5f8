"""Measured: python-ldap. Arguments: task, url, authority, name, password file, then those of the task."""
import ldap
import sys
from ldap.controls import SimplePagedResultsControl

task, url, authority, name, password_file, *rest = sys.argv[1:]
ldap.set_option(ldap.OPT_X_TLS_CACERTFILE, authority)
ldap.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
ldap.set_option(ldap.OPT_REFERRALS, 0)
connection = ldap.initialize(url)
connection.simple_bind_s(name, open(password_file).read())


def changes(file):
    for line in open(file, encoding="utf-8"):
        _, dn, before, after = line.rstrip("\n").split("\t")
        yield dn, [
            (ldap.MOD_DELETE, "userPrincipalName", [before.encode()]),
            (ldap.MOD_ADD, "userPrincipalName", [after.encode()]),
        ]


if task == "change":
    count = 0
    for dn, change in changes(rest[0]):
        connection.modify_s(dn, change)
        count += 1
elif task == "change-16":
    count = under_way = 0
    for dn, change in changes(rest[0]):
        if under_way == 16:
            connection.result(ldap.RES_ANY, all=0)
            under_way -= 1
            count += 1
        connection.modify_ext(dn, change)
        under_way += 1
    for _ in range(under_way):
        connection.result(ldap.RES_ANY, all=0)
        count += 1
else:
    base, selection, *attributes = rest
    page = SimplePagedResultsControl(True, size=1000, cookie="")
    count = 0
    while True:
        request = connection.search_ext(base, ldap.SCOPE_SUBTREE, selection, attributes, serverctrls=[page])
        _, entries, _, controls = connection.result3(request)
        count += sum(1 for dn, _ in entries if dn is not None)
        page.cookie = controls[0].cookie
        if not page.cookie:
            break
print(count)
