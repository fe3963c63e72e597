"""Back to the tree before the last whole build, as far as consent allows.

The old tree loses, with every change, whatever that change touches; so nothing that was withdrawn
or corrected since is in it, and those pages stay as they are now.
"""

from __future__ import annotations

from ledger.database import Ledger
from ledger.errors import DefinedbyError, TemporaryError
from publisher import claims
from publisher.files import friendly_file_errors
from publisher.holding import hold
from publisher.publication import Publication
from publisher.publish import FAR, GIVEN_WAY
from publisher.report import Progress
from publisher.site import sources, tree
from publisher.site.writing import note_all_outputs


def roll_back(ledger: Ledger, progress: Progress) -> int:
    """Show the old tree again; how many of its files differ from those that stood.

    It stays until something that shapes the site changes again. Raises DefinedbyError when no
    old tree is kept.
    """
    folder = ledger.settings.site_folder
    with hold(ledger) as holding:
        if holding is None:
            raise TemporaryError(GIVEN_WAY, "Try again in a moment.")
        if not tree.has_before(folder):
            raise DefinedbyError(
                "There is no earlier tree to go back to.",
                "One is kept when the theme, a setting, the menu or a campaign has changed.",
            )
        work = Publication(ledger, holding, progress, counting=False)
        # Whatever was withdrawn until now leaves both trees first.
        work.run(ledger.clock() + FAR, recompose=False, full=False)
        if not tree.has_before(folder):
            raise DefinedbyError("There is no earlier tree to go back to any more.", "Build anew.")
        with holding.write() as connection:
            shape = sources.read_source(connection, sources.SHAPE)
            # Should we be killed now, the next run builds everything.
            sources.write_sources(connection, {sources.SHAPE: None})
            recorded = claims.claimed(connection, content=False)
        with friendly_file_errors(folder, tree.NAME):
            tree.roll_back(folder, recorded)
            hashes = {
                name: claims.hash_of(ledger.keys, path.read_bytes())
                for name, path in tree.site_files(folder)
            }
        note_all_outputs(holding, hashes)
        with holding.write() as connection:
            sources.write_sources(connection, {sources.SHAPE: shape})
    return sum(recorded.get(path) != value for path, value in hashes.items())
