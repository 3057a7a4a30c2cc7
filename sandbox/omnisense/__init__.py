"""Omnisense, as its API documentation v1.0 describes it.

The document names no success body, no error and no limit. So: `/subscriber` and `/user_event` answer a `trid`
("returned by the API after each call"), the administrative requests answer 200 and nothing, refusals are 401 and 422
with a sentence, and 500 events or 1 MiB a request are the most, which is an assumption of this sandbox. Segments may be
left out; nothing calls them mandatory. The list of an import goes under `user_events`, as the document's example has
it; its table calls the same list `user_segments`, which is refused.

A file of people comes in a form, strictly as RFC 7578 has it. The list of its columns is lost: `email` says who a row
is about, cells are text, and what a file said of somebody is kept as `columns`, beside what single calls said.

Who was saved is known from then on, and a newsletter reaches nobody else. What it is counted by: the newsletter and one
address, so that a mail sent twice shows as doubled.
"""

from sandbox.omnisense.role import Omnisense

__all__ = ["Omnisense"]
