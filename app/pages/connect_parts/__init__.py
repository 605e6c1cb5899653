"""The parts of the Connect page: the tools and their snippets as data, and what shows them."""
