import test from 'ava'
import { ErrorBudget } from '../../src/datapath/error-budget.js'

const taken = (budget: ErrorBudget, times: number, nowUs: number): number =>
  Array.from({ length: times }, () => budget.take(nowUs)).filter((took) => took).length

test('error budget: a burst at once, then so many a second', (t) => {
  const budget = new ErrorBudget(10, 3)
  t.is(taken(budget, 10, 5_000_000), 3)
  t.is(taken(budget, 10, 5_099_999), 0)
  t.is(taken(budget, 10, 5_100_000), 1)
  t.is(taken(budget, 10, 5_300_000), 2)
})

test('error budget: what is not used is saved no further than the burst', (t) => {
  const budget = new ErrorBudget(10, 3)
  t.is(taken(budget, 1, 0), 1)
  t.is(taken(budget, 10, 60_000_000), 3)
})

test('error budget: without a burst there is none', (t) => {
  t.is(taken(new ErrorBudget(1000, 0), 3, 9_000_000), 0)
})
