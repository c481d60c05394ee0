"""The promises: which tests prove each of them, and how each is broken on purpose to see that they notice.

`promises.toml` says what is promised, clause by clause, and names the tests. `sabotages.toml` lists exact changes of the
source by which a promise is broken, each in a way in which some library really breaks it. An ordinary test run checks
that both tables are right; this breaks the promises, one after the other, in a copy:

    python -m tests.promises [--only NUMBER]
"""
