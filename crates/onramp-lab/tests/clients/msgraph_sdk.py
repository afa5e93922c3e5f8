"""Microsoft's own clients, azure-identity and msgraph-sdk for Python, against the lab's tenant.

    pip install msgraph-sdk azure-identity deprecated aiohttp     # half a gigabyte, so best in an environment of its own
    cargo build --bin lab
    python crates/onramp-lab/tests/clients/msgraph_sdk.py target/debug/lab

Starts the lab, asserts, and stops it. The clients are as they come: they get the lab's addresses and its certificate
authority, nothing else.
"""
import asyncio
import json
import logging
import os
import subprocess
import sys
import uuid
from urllib.parse import urlsplit


class Lab:
    """The program `lab`, as long as it is needed."""

    def __enter__(self):
        program = [sys.argv[1], "--users", "10", "--cloud-users", "250", "--auto-publish-dns", "--until-stdin-closes"]
        self.process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return json.loads(self.process.stdout.readline())

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def connect(lab):
    """A GraphServiceClient of an application, with the credential it signs in by."""
    from azure.identity.aio import ClientSecretCredential
    from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
    from msgraph import GraphRequestAdapter, GraphServiceClient

    tenant = lab["tenant"]
    credential = ClientSecretCredential(
        tenant["tenant_id"],
        tenant["client_id"],
        tenant["client_secret"],
        authority=tenant["login_url"],
        # The lab is no cloud that Microsoft knows.
        disable_instance_discovery=True,
        connection_verify=lab["ca_file"],
    )
    host = urlsplit(tenant["graph_url"]).hostname
    scopes = ["https://graph.microsoft.com/.default"]
    provider = AzureIdentityAuthenticationProvider(credential, scopes=scopes, allowed_hosts=[host])
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = tenant["graph_url"] + "/v1.0"
    return credential, GraphServiceClient(request_adapter=adapter)


async def sign_in(lab, credential):
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity.aio import ClientSecretCredential

    token = await credential.get_token("https://graph.microsoft.com/.default")
    assert token.token and token.expires_on > 0
    tenant = lab["tenant"]
    wrong = ClientSecretCredential(
        tenant["tenant_id"],
        tenant["client_id"],
        "wrong",
        authority=tenant["login_url"],
        disable_instance_discovery=True,
        connection_verify=lab["ca_file"],
    )
    try:
        await wrong.get_token("https://graph.microsoft.com/.default")
    except ClientAuthenticationError as error:
        assert "AADSTS7000215" in str(error), error
    else:
        raise AssertionError("a wrong secret was taken")
    finally:
        await wrong.close()


async def organization(lab, graph):
    found = (await graph.organization.get()).value
    assert [str(one.id) for one in found] == [lab["tenant"]["tenant_id"]], found
    assert found[0].display_name, found
    assert any(domain.is_initial for domain in found[0].verified_domains), found


async def users_in_pages(graph):
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder
    from msgraph_core import PageIterator

    parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        select=["id", "userPrincipalName", "accountEnabled", "createdDateTime"], top=50, count=True
    )
    configuration = RequestConfiguration(query_parameters=parameters)
    configuration.headers.add("ConsistencyLevel", "eventual")
    first = await graph.users.get(configuration)
    assert len(first.value) == 50 and first.odata_next_link, first
    users = []

    def each(user):
        users.append(user)
        return True

    await PageIterator(first, graph.request_adapter).iterate(each)
    assert len(users) == len({user.id for user in users}) == first.odata_count >= 250, (len(users), first.odata_count)
    assert all(user.account_enabled is not None and user.created_date_time.year > 2000 for user in users)
    return users


async def one_user(lab, graph, users):
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.models.password_profile import PasswordProfile
    from msgraph.generated.models.user import User
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder

    domain = lab["tenant"]["initial_domain"]
    target = next(user for user in users if not user.user_principal_name.startswith("admin"))
    renamed = f"renamed@{domain}"
    await graph.users.by_user_id(target.id).patch(User(user_principal_name=renamed))
    assert (await graph.users.by_user_id(renamed).get()).id == target.id
    parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(filter=f"userPrincipalName eq '{renamed}'")
    found = await graph.users.get(RequestConfiguration(query_parameters=parameters))
    assert [user.id for user in found.value] == [target.id], found
    made = await graph.users.post(
        User(
            account_enabled=True,
            display_name="On-premises Sync",
            mail_nickname="sync",
            user_principal_name=f"sync@{domain}",
            password_profile=PasswordProfile(password="gr8-Hedgehogs.42", force_change_password_next_sign_in=False),
        )
    )
    assert uuid.UUID(made.id)
    await graph.users.by_user_id(made.id).delete()
    deleted = await graph.directory.deleted_items.graph_user.get()
    assert made.id in [user.id for user in deleted.value], deleted


async def batch_of_twenty(graph, users):
    from msgraph.generated.models.user import User
    from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
    from msgraph_core.requests.batch_request_content import BatchRequestContent
    from msgraph_core.requests.batch_request_item import BatchRequestItem

    def item(name, user_id, department):
        information = graph.users.by_user_id(user_id).to_patch_request_information(User(department=department))
        return BatchRequestItem(information, id=name)

    async def statuses(items):
        content = BatchRequestContent()
        for item in items:
            content.add_request(item.id, item)
        reply = await BatchRequestBuilder(graph.request_adapter).post(content)
        return {name: response.status for name, response in reply.responses.items()}

    changed = users[20:39]
    items = [item(str(number), user.id, f"Department {number}") for number, user in enumerate(changed)]
    items.append(item("nobody", str(uuid.uuid4()), "None"))
    # The SDK leaves addresses absolute, which Graph refuses item by item (msgraph-sdk-python issue 1015).
    assert set((await statuses(items)).values()) == {400}
    for one in items:
        one.url = one.url.removeprefix(graph.request_adapter.base_url)
    found = await statuses(items)
    assert found == {**{str(number): 204 for number in range(19)}, "nobody": 404}, found
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder

    parameters = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=["department"])
    for number in (0, 18):
        configuration = RequestConfiguration(query_parameters=parameters)
        user = await graph.users.by_user_id(changed[number].id).get(configuration)
        assert user.department == f"Department {number}", user


async def domain(graph):
    from msgraph.generated.models.domain import Domain

    name = "python.example"
    made = await graph.domains.post(Domain(id=name))
    assert (made.id, made.is_verified) == (name, False), made
    records = await graph.domains.by_domain_id(name).verification_dns_records.get()
    assert any(getattr(record, "text", "") for record in records.value), records
    proven = await graph.domains.by_domain_id(name).verify.post()
    assert proven.is_verified, proven
    assert name in [one.id for one in (await graph.domains.get()).value]
    await graph.domains.by_domain_id(name).delete()
    assert name not in [one.id for one in (await graph.domains.get()).value]


async def changes_by_delta(graph, users):
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.models.user import User
    from msgraph.generated.users.delta.delta_request_builder import DeltaRequestBuilder

    parameters = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(select=["displayName"])
    page = await graph.users.delta.get(RequestConfiguration(query_parameters=parameters))
    known = [user.id for user in page.value]
    while page.odata_next_link:
        page = await graph.users.delta.with_url(page.odata_next_link).get()
        known += [user.id for user in page.value]
    assert {user.id for user in users} <= set(known), "not everybody was told"
    await graph.users.by_user_id(users[1].id).patch(User(display_name="Somebody Else"))
    page = await graph.users.delta.with_url(page.odata_delta_link).get()
    assert [(user.id, user.display_name) for user in page.value] == [(users[1].id, "Somebody Else")], page.value


async def roles_and_applications(lab, graph, users):
    from msgraph.generated.models.unified_role_assignment import UnifiedRoleAssignment

    hybrid_identity_administrator = "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2"
    given = await graph.role_management.directory.role_assignments.post(
        UnifiedRoleAssignment(
            principal_id=users[2].id, role_definition_id=hybrid_identity_administrator, directory_scope_id="/"
        )
    )
    await graph.role_management.directory.role_assignments.by_unified_role_assignment_id(given.id).delete()
    applications = await graph.applications.get()
    assert lab["tenant"]["client_id"] in [application.app_id for application in applications.value], applications


async def errors(graph):
    from msgraph.generated.models.domain import Domain
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError

    async def refused(call, status, code):
        try:
            await call
        except ODataError as error:
            assert (error.response_status_code, error.error.code) == (status, code), error
            assert error.error.message, error
            # Both the header and the body name the request.
            assert uuid.UUID(error.error.inner_error.request_id), error
            assert uuid.UUID(error.response_headers["request-id"]), error.response_headers
        else:
            raise AssertionError(f"{code} was expected")

    await refused(graph.users.by_user_id(str(uuid.uuid4())).get(), 404, "Request_ResourceNotFound")
    await refused(graph.domains.post(Domain(id="not a domain")), 400, "Request_BadRequest")
    # The features of synchronisation are for people only.
    await refused(graph.directory.on_premises_synchronization.get(), 403, "Authorization_RequestDenied")


async def main():
    # What is refused on purpose need not be told.
    logging.disable(logging.WARNING)
    with Lab() as lab:
        # The environment's authorities are what the SDK's HTTP client trusts.
        os.environ["SSL_CERT_FILE"] = lab["ca_file"]
        credential, graph = connect(lab)
        async with credential:
            await sign_in(lab, credential)
            await organization(lab, graph)
            users = await users_in_pages(graph)
            await one_user(lab, graph, users)
            await batch_of_twenty(graph, users)
            await domain(graph)
            await changes_by_delta(graph, users)
            await roles_and_applications(lab, graph, users)
            await errors(graph)
    print("ok")


asyncio.run(main())
