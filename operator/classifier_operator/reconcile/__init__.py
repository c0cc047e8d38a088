"""What both kinds' decisions are made of: sightings in, calls and a status out. Pure values, no I/O."""
