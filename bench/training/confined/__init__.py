"""Methods run in a process that can reach nothing else: what they are told, and what they ask, goes over a socket.

`server.py` is a process with torch and the contract, and nothing of a run; it forks a child for each method.
`child.py` is what a child does: it locks itself in, as the jail of `tasks/_jail` does, and executes the method's file
only then. `proxy.py` is the run's side: a method like any other, whose answers come over the socket. Task gradients
lie in memory that both see (`memory.py`). A wrapper or a plan calls the run while it answers: `calls.py` is the
child's end of that, `served.py` the run's.
"""
