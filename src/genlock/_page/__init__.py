"""A recording as one HTML page, which needs nothing beside it and asks no network.

`_columns` makes the plain data of it, `_render` the page. What the page does with the data is in
`assets`, apart from Python; `vendor` holds libraries of others, put there by `.vendor/refresh`.
"""
