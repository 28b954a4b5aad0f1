"""A ServiceNow-shaped server with a seeded organisation: the other side of the wire. Shares no code with the client.

server      start it in a thread or in the foreground       control   clock, faults and rights, from outside
dispatch    from a request to its answer                    store     rows in SQLite, as of the virtual clock
"""
