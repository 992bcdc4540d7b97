"""Methods that exchange only numbers of size K or N, run in a process that can reach nothing else.

`server.py` is a process with torch and the contract, and nothing of a run; it forks a child for each method.
`child.py` is what a child does: it locks itself in, as the jail of `tasks/_jail` does, and executes the method's file
only then. `proxy.py` is the run's side: a method like any other, whose answers come over a socket.
"""
