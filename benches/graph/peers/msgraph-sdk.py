"""The official Python SDK at the tasks of the benchmark: msgraph-sdk.py <task> <base> <number>.

Needs `pip install msgraph-sdk azure-identity deprecated`.
"""
import asyncio
import json
import resource
import sys
import time

from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphServiceClient
from msgraph.generated.models.user import User
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import PageIterator
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.requests.batch_request_builder import BatchRequestBuilder


class Fixed:
    async def get_token(self, *scopes, **kwargs):
        return AccessToken("token", 4070908800)

    async def close(self):
        pass


def client(base):
    graph = GraphServiceClient(Fixed(), ["https://graph.microsoft.com/.default"])
    graph.request_adapter.base_url = f"{base}/v1.0"
    return graph


async def list_users(graph):
    parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        select=["id", "userPrincipalName", "displayName", "mail", "accountEnabled"], top=999
    )
    first = await graph.users.get(RequestConfiguration(query_parameters=parameters))
    count = 0

    def each(_user):
        nonlocal count
        count += 1
        return True

    await PageIterator(first, graph.request_adapter).iterate(each)
    return count


async def update(graph, number):
    """Twenty at a time, four batches at a time; the SDK looks at refused items no second time."""

    async def send(numbers):
        content = BatchRequestContent()
        for n in numbers:
            information = graph.users.by_user_id(str(n)).to_patch_request_information(User(account_enabled=True))
            content.add_request(str(n), BatchRequestItem(information, id=str(n)))
        reply = await BatchRequestBuilder(graph.request_adapter).post(content)
        return sum(1 for item in reply.responses.values() if item.status == 204)

    gate = asyncio.Semaphore(4)

    async def one(numbers):
        async with gate:
            return await send(numbers)

    chunks = [range(at, min(at + 20, number)) for at in range(0, number, 20)]
    return sum(await asyncio.gather(*(one(chunk) for chunk in chunks)))


async def main():
    task, base, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    began = time.monotonic()
    graph = client(base)
    count = await (list_users(graph) if task == "list" else update(graph, number))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "count": count,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "wall_seconds": time.monotonic() - began,
        "peak_mb": usage.ru_maxrss / 1024,
    }))


asyncio.run(main())
