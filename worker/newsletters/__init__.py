"""One message to many people: planned as a whole, approved by a person, sent at its time, stopped between requests.

What goes out is a call like any other, with all that calls are promised; here is what comes before it.
"""
