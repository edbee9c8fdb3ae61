"""Options of attacks that would take thousands of steps."""


def short(attack, num_steps=3, num_queries=5):
    """The numbers of steps and queries that an attack of `ATTACKS` takes, if it takes them."""
    steps = {"num_steps": num_steps} if attack.startswith(("pgd", "apgd", "fab", "autoattack")) else {}
    queries = {"num_queries": num_queries} if attack.startswith(("square", "autoattack")) else {}
    return {**steps, **queries}
