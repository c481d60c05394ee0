"""Real client libraries, each as a function that makes one request and raises what the library raises."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 0.5
"""Seconds that each client waits for an answer."""


def _httpx(name: str) -> Callable[[str], Any]:
    def get(url: str) -> Any:
        library = importlib.import_module(name)
        with library.Client(timeout=TIMEOUT, trust_env=False) as client:
            return client.get(url + "/things").raise_for_status().json()

    return get


def _httpx_async(name: str) -> Callable[[str], Any]:
    async def get(url: str) -> Any:
        library = importlib.import_module(name)
        async with library.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
            return (await client.get(url + "/things")).raise_for_status().json()

    return lambda url: asyncio.run(get(url))


def _requests(url: str) -> Any:
    import requests

    with requests.Session() as session:
        session.trust_env = False
        response = session.get(url + "/things", timeout=TIMEOUT)
        response.raise_for_status()
        return response.json()


def _urllib3(url: str) -> Any:
    import urllib3

    # urllib3 does not raise for a status unless its retries are for that status.
    retries = urllib3.Retry(0, read=False, connect=False, redirect=False, other=False)
    with urllib3.PoolManager(retries=retries, timeout=TIMEOUT) as pool:
        response = pool.request("GET", url + "/things")
        if response.status >= 400:
            raise _NotRaised(response)
        return __import__("json").loads(response.data)


class _NotRaised(Exception):
    """A response that its library does not raise, raised by a user in the usual way."""

    def __init__(self, response: Any) -> None:
        super().__init__(f"status {response.status}")
        self.response = response


async def _aiohttp(url: str) -> Any:
    import aiohttp

    limit = aiohttp.ClientTimeout(total=TIMEOUT)
    async with aiohttp.ClientSession(timeout=limit) as session, session.post(url + "/things", json={}) as response:
        response.raise_for_status()
        return await response.json()


def _openai(url: str) -> Any:
    import openai

    with openai.OpenAI(api_key="k", base_url=url, max_retries=0, timeout=TIMEOUT) as client:
        return client.models.list()


def _openai_async(url: str) -> Any:
    async def ask() -> Any:
        import openai

        async with openai.AsyncOpenAI(api_key="k", base_url=url, max_retries=0, timeout=TIMEOUT) as client:
            return await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])

    return asyncio.run(ask())


def _anthropic(url: str) -> Any:
    import anthropic

    with anthropic.Anthropic(api_key="k", base_url=url, max_retries=0, timeout=TIMEOUT) as client:
        return client.messages.create(model="m", max_tokens=5, messages=[{"role": "user", "content": "hi"}])


CLIENTS: dict[str, Callable[[str], Any]] = {
    "httpx": _httpx("httpx"),
    "httpx async": _httpx_async("httpx"),
    "httpx2": _httpx("httpx2"),
    "httpx2 async": _httpx_async("httpx2"),
    "requests": _requests,
    "urllib3": _urllib3,
    "aiohttp": lambda url: asyncio.run(_aiohttp(url)),
    "openai": _openai,
    "openai async": _openai_async,
    "anthropic": _anthropic,
}


def installed() -> list[str]:
    """The clients that can be imported here; httpx2 came with the libraries' latest majors."""
    found = []
    for name in CLIENTS:
        with contextlib.suppress(ImportError):
            importlib.import_module(name.split(" ")[0])
            found.append(name)
    return found


def raised_by(call: Callable[[], Any]) -> Exception:
    """What the call raises."""
    try:
        value = call()
    except Exception as error:
        return error
    raise AssertionError(f"nothing was raised, but returned: {value!r}")
