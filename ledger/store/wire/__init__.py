"""Avro's binary encoding of our events, compiled to plain Python once per schema.

Reading a schema at run time costs more than the work it describes: a general library spends most of its time on
finding out, byte by byte, what comes next. An event's schema never changes while the process lives, so its fields are
unrolled once into a function. Only the types our events use are known here; anything else is refused when the process
starts. What keeps this honest: in the tests two independent Avro libraries read and write the same bytes.

Strict on both sides: a writer takes exactly the schema's fields, a reader takes exactly the bytes.
"""
