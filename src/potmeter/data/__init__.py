"""Fetching and reading real data. Nothing is imported here, so that the catalogue can be read without torch.

Order of reading: ``packages`` (what there is), ``clients`` and ``unpack`` (how it comes), ``fetch`` (both together),
``splits`` (what every reader returns), then the readers: ``mnist``, ``cifar10``, ``photos``, ``folder``, ``samples``,
``austen`` (with ``rdata``), ``sword`` and ``english``, ``reading`` for a user's own text.
"""
