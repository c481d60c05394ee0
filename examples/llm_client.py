"""A chat with a language model that is busy, overloaded, or out of quota, within the time that the user will wait.

Run it: python examples/llm_client.py

The client stands for one of the vendors' SDKs, with its own retries switched off: its errors carry the status and the
headers of the reply. A rate limit is waited for as long as the service asks, unless the user would have gone by then;
a smaller model answers where the large one does not.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from holdfast import FallbackConfig, Instead, deadline, with_llm_resilience

if TYPE_CHECKING:
    from collections.abc import Iterable


class APIStatusError(Exception):
    """As the SDKs raise it."""

    def __init__(self, status_code: int, headers: dict[str, str] | None = None, code: str | None = None) -> None:
        super().__init__(f"Error code: {status_code}")
        self.status_code = status_code
        self.headers = headers or {}
        self.code = code


class Client:
    """Answers with what it is told to answer with; after that it is well."""

    def __init__(self) -> None:
        self.troubles: list[APIStatusError] = []
        self.requests = 0

    def expect(self, *troubles: APIStatusError) -> None:
        self.troubles, self.requests = list(troubles), 0

    async def create(self, model: str, messages: Iterable[str]) -> str:
        await asyncio.sleep(0)
        if model == "large":
            self.requests += 1
            if self.troubles:
                raise self.troubles.pop(0)
        return f"the {model} model says: {' '.join(messages)} indeed"


CLIENT = Client()


async def ask_the_small_one(question: str) -> str:
    return await CLIENT.create("small", [question])


@with_llm_resilience(
    "large-model",
    retry={"on_retry": lambda error, _attempt, delay: print(f"  {error}, again in {delay:g} s")},
    fallback=FallbackConfig(
        answer=Instead(ask_the_small_one),
        on={"EXTERNAL", "TRANSIENT", "RESOURCE"},  # not for a request that is wrong: it would be so for any model
        on_fallback=lambda error: print(f"  {error}, so the small one is asked"),
    ),
)
async def ask(question: str) -> str:
    return await CLIENT.create("large", [question])


async def chat(question: str, patience: float) -> None:
    async with deadline(patience, name="chat"):
        print(f"  {await ask(question)} (requests: {CLIENT.requests})")


async def main() -> None:
    print("a rate limit, and time to wait for it:")
    CLIENT.expect(APIStatusError(429, {"retry-after": "1"}))
    await chat("Kelp holds", patience=30)

    print("a rate limit that lasts longer than the user will wait:")
    CLIENT.expect(APIStatusError(429, {"retry-after": "60"}))
    await chat("Kelp grows", patience=30)

    print("a quota that is used up, which no waiting refills:")
    CLIENT.expect(APIStatusError(429, {"retry-after": "1"}, code="insufficient_quota"))
    await chat("Kelp drifts", patience=30)

    print("a request that is wrong:")
    CLIENT.expect(APIStatusError(400))
    try:
        await chat("", patience=30)
    except APIStatusError as error:
        print(f"  {error}, no fallback (requests: {CLIENT.requests})")


if __name__ == "__main__":
    asyncio.run(main())
