//! Nothing: the suite is in `tests`. `uncovered.txt` beside it names what no case covers; it is empty.
