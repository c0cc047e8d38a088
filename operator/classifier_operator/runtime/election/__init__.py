"""Who works: the Lease, and the part of the objects that is this process's."""
