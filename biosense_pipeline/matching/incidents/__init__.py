"""From single stills to incidents: a sequential test per agent over identity, presence and presentation.

``stills`` is what comes in, ``observations`` what each still says of which species, ``bounds`` how much has to
be said before it is an incident, ``tracks`` the test itself and ``detect`` all of it over an agent's stills.
Every log-likelihood ratio (LLR) here is a natural logarithm, and a positive one speaks for the incident.
"""
