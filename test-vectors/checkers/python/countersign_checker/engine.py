"""Placeholder."""
class Opinions:
    where=""
    def ask(self, trace): pass
    def report(self): return True
