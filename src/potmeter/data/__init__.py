"""Fetching and reading real data. Nothing is imported here, so that the catalogue can be read without torch.

* ``splits``: what every reader returns; ``batches``; ``pictures``: pictures by the name of a data set or a folder;
  ``folder``, ``texts``, ``words``: a user's own files; ``samples``: example pictures by name.
* ``sets/``: the data sets; ``records`` has one record of each.
* ``formats/``: the files that packages pack them in.
* ``fetching/``: packages of public registries, brought, verified and unpacked.
"""
