"""How many calls may run at once where the destination's limit is not known: state in, decision out; no clock, no threads.

Additive increase, multiplicative decrease, as congestion control does it (RFC 5681) and Vector's adaptive request
concurrency after it: the numbers 0.9, 0.4 and 2.5 are Vector's. What differs:

* The window trebles while it is small and doubles then, until something pushes back (slow start), and again up to nine
  tenths of what once worked after a destination was down; Vector's grows by one from one.
* How many calls the destination works on is reckoned from its answers: their rate times what a call takes (Little's law,
  as BBR reckons the product of bandwidth and delay). The window grows to a multiple of that number, and falls to it; the
  number of calls that are under way says less, as some of them wait for a turn in this process, before or after.
* A call that is pushed back says how many were running when it started, and the window falls below that number. Calls
  that started before the last fall have no further say: one burst of refusals is one fall.
* Where a number of calls was pushed back, the window stays below it for a while before it tries that again.
* Calls are compared with others of about as many rows. Where they are slower, or take half as long again as they did when
  few were running, the window falls for one round: behind a queue calls get faster by that, and it stays; a destination
  that has become slower by itself shows that it has, and the window is what it was. Calls that began beside too many
  are slow for that reason, and are not compared.
"""
