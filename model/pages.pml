/*
 * Spin model of moving the holds of one product to pages, with concurrent reserving, settling, moving, collecting and
 * cleaning up. docs/explanation/orders.md ("Where holds are") explains the steps; their code is in services/products/.
 *
 * A step is one read or one guarded update of one document. Before each step, a process may stop forever or continue at
 * any later time. This covers processes that die and processes that are frozen.
 */

#define HOLDS 3                 /* reservations; 0 and 1 are two attempts of one request */
#define PAGES 2                 /* one page per mover; each id is used once */
#define UNITS 3

/* ---- The document of the product ---- */

byte stock = UNITS;
bit own[HOLDS];                 /* holds in the document itself */
byte moves;
byte filling;                   /* page being filled, counted from 1; 0 for none */
bit listed[PAGES];
byte collected[PAGES];

/* ---- The documents of its pages ---- */

bit there[PAGES];
#define IN_PAGE(p, r) in_page[(p) * HOLDS + (r)]
bit in_page[PAGES * HOLDS];
byte returned[PAGES];

/* ---- Only for checking the promises ---- */

byte sold;
bit is_sold[HOLDS];             /* outcome of each reservation */

#define COUNTS_IN(p, r) (listed[p] && IN_PAGE(p, r))
#define IS_HELD(r) (own[r] + COUNTS_IN(0, r) + COUNTS_IN(1, r))
#define UNCOLLECTED(p) (listed[p] -> returned[p] - collected[p] : 0)

#define PROMISE(condition, text) \
	if \
	:: condition \
	:: else -> printf("broken: "); printf(text); printf("\n"); assert(false) \
	fi

inline check_always() {
	PROMISE(stock + IS_HELD(0) + IS_HELD(1) + IS_HELD(2) + UNCOLLECTED(0) + UNCOLLECTED(1) + sold == UNITS, "units are conserved");
	PROMISE(IS_HELD(0) <= 1 && IS_HELD(1) <= 1 && IS_HELD(2) <= 1, "a hold is in one place");
	PROMISE(IS_HELD(0) + IS_HELD(1) <= 1, "a request holds once");
	PROMISE((!listed[0] || there[0]) && (!listed[1] || there[1]), "a page that is listed is there")
}

/* ---- reserve(): the product, its pages, the guarded update ---- */

#define TWIN(r) ((r) < 2 -> 1 - (r) : (r))
#define HAS_OWN(r) (own[r] || own[TWIN(r)])
#define HAS_IN(p, r) (COUNTS_IN(p, r) || COUNTS_IN(p, TWIN(r)))
#ifdef FAULT_MOVES_UNGUARDED
#define IS_UNMOVED(seen) true
#else
#define IS_UNMOVED(seen) (moves == (seen))
#endif

proctype attempt(byte r) {
	byte seen;
	bit knows0, knows1;
again:
	skip;
	d_step { seen = moves; knows0 = listed[0]; knows1 = listed[1] }
	if
	:: HAS_OWN(r) -> goto over
	:: else
	fi;
	/* A page counts only if the product listed it when it was read. */
	if
	:: (knows0 && (IN_PAGE(0, r) || IN_PAGE(0, TWIN(r)))) || (knows1 && (IN_PAGE(1, r) || IN_PAGE(1, TWIN(r)))) -> goto over
	:: else
	fi;
	if
	:: d_step {
		!HAS_OWN(r) && IS_UNMOVED(seen) && stock > 0 ->
		stock--;
		own[r] = 1;
		printf("reservation %d holds a unit\n", r);
		check_always()
	}
	:: d_step { !IS_UNMOVED(seen) -> seen = 0; knows0 = 0; knows1 = 0 } goto again
	:: HAS_OWN(r) || stock == 0
	fi;
over:
	skip
}

/* ---- moving: begin, insert, count, or withdraw ---- */

#ifdef FAULT_PLACE_UNGUARDED
#define ARE_THERE(p) true
#else
#define ARE_THERE(p) ((!IN_PAGE(p, 0) || own[0]) && (!IN_PAGE(p, 1) || own[1]) && (!IN_PAGE(p, 2) || own[2]))
#endif
#ifdef FAULT_FILLING_UNGUARDED
#define IS_FILLING(p) true
#else
#define IS_FILLING(p) (filling == (p) + 1)
#endif

proctype mover(byte p) {
	bit copy0, copy1, copy2;
end_idle:
	d_step { own[0] || own[1] || own[2] -> copy0 = own[0]; copy1 = own[1]; copy2 = own[2] }
	if
	:: d_step { filling == 0 -> filling = p + 1; printf("page %d: is being filled\n", p) }
	:: filling != 0 -> goto over
	fi;
	d_step {
		there[p] = 1;
		IN_PAGE(p, 0) = copy0;
		IN_PAGE(p, 1) = copy1;
		IN_PAGE(p, 2) = copy2;
		printf("page %d: is written\n", p)
	}
	if
	:: d_step {
		IS_FILLING(p) && ARE_THERE(p) ->
		own[0] = own[0] && !IN_PAGE(p, 0);
		own[1] = own[1] && !IN_PAGE(p, 1);
		own[2] = own[2] && !IN_PAGE(p, 2);
		listed[p] = 1;
		filling = 0;
		moves++;
		printf("page %d: counts\n", p);
		check_always()
	}
	:: d_step { !(IS_FILLING(p) && ARE_THERE(p)) && filling == p + 1 -> filling = 0; printf("page %d: is withdrawn\n", p) }
	:: !(IS_FILLING(p) && ARE_THERE(p)) && filling != p + 1
	fi;
over:
	skip
}

/* ---- settle(): first the product, then the listed pages ---- */

inline settle_own(r) {
	d_step {
		if
		:: own[r] && is_sold[r] -> own[r] = 0; sold++
		:: own[r] && !is_sold[r] -> own[r] = 0; stock++
		:: else
		fi;
		check_always()
	}
}

/* The list is read after the page. The update of the page is guarded by the presence of the hold. */
inline settle_in_page(p, r) {
	if
	:: IN_PAGE(p, r) ->
		if
		:: listed[p] ->
			d_step {
				if
				:: IN_PAGE(p, r) && is_sold[r] -> IN_PAGE(p, r) = 0; sold++
				:: IN_PAGE(p, r) && !is_sold[r] -> IN_PAGE(p, r) = 0; returned[p]++
				:: else
				fi;
				check_always()
			}
		:: !listed[p]
		fi
	:: !IN_PAGE(p, r)
	fi
}

inline is_over(r) {
	d_step { PROMISE(!was_held || !IS_HELD(r), "a hold that was there when it was settled is gone") }
}

proctype settler(byte r) {
	bit was_held;
	d_step { was_held = IS_HELD(r); printf("reservation %d is being settled\n", r) }
#ifdef FAULT_PAGES_FIRST
	settle_in_page(0, r);
	settle_in_page(1, r);
	settle_own(r);
#else
	settle_own(r);
	settle_in_page(0, r);
	settle_in_page(1, r);
#endif
	is_over(r)
}

/* ---- collect() and tidyPages() ---- */

#ifdef FAULT_COLLECTED_UNGUARDED
#define IS_COLLECTED(p, before) listed[p]
#else
#define IS_COLLECTED(p, before) (listed[p] && collected[p] == (before))
#endif

proctype sweeper(byte p) {
	byte before, found;
	bit is_empty;
progress_sweeping:
	do
	:: d_step { listed[p] -> before = collected[p] }
		d_step { found = returned[p]; is_empty = !(IN_PAGE(p, 0) || IN_PAGE(p, 1) || IN_PAGE(p, 2)) }
		if
		:: d_step {
			(found > before || is_empty) && IS_COLLECTED(p, before) ->
			stock = stock + found - before;
			collected[p] = found;
			listed[p] = !is_empty;
			printf("page %d: %d units are collected, empty: %d\n", p, found - before, is_empty);
			check_always()
		}
		:: !((found > before || is_empty) && IS_COLLECTED(p, before))
		fi;
		d_step { before = 0; found = 0; is_empty = 0 }
	:: d_step { filling == p + 1 -> filling = 0; printf("page %d: is withdrawn by the sweeper\n", p) }
	:: there[p] ->
		/* The list is read after the page. */
		if
		:: d_step {
			!listed[p] && filling != p + 1 ->
			is_empty = 1
		}
			d_step {
				there[p] = 0;
				IN_PAGE(p, 0) = 0;
				IN_PAGE(p, 1) = 0;
				IN_PAGE(p, 2) = 0;
				is_empty = 0;
				printf("page %d: is deleted\n", p);
				check_always()
			}
		:: listed[p] || filling == p + 1
		fi
	:: break
	od
}

/* ---- Processes of each configuration ---- */

#ifdef REQUEST
#define FIRST_HELD 2
#else
#define FIRST_HELD 0
#endif

init {
	atomic {
		if
		:: is_sold[FIRST_HELD] = 1
		:: skip
		fi;
		own[FIRST_HELD] = 1;
		stock--;
		run mover(0);
		run mover(1);
		run sweeper(0);
#ifdef REQUEST
		/* Two attempts of one request while a hold moves. */
		run attempt(0);
		run attempt(1);
		run settler(2)
#else
		own[2] = 1;
		stock--;
		run settler(0);
		run settler(2);
#ifdef COLLECTORS
		run sweeper(0)
#else
		run settler(0)
#endif
#endif
	}
}
