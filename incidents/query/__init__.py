"""The query language of brands and of the search page: one parser, one tree, three readings that agree.

    parse('雾岛茶 AND (虫 OR 异物) NOT 招聘')       → a tree (incidents/query/tree.py), or QueryError with the position
    Watchlist({"tea": tree}).match(fields)         in this process, thousands of queries in one pass
    fts.reading(tree), elastic.reading(tree)       for the two archives

All three compare the terms of ``incidents.text.search_terms``: docs/query.md says what that means for a reader.
"""

from incidents.query.parser import parse
from incidents.query.tree import Node
from incidents.query.watch import Fields, Watchlist

__all__ = ["Fields", "Node", "Watchlist", "parse"]
