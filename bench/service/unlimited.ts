/** Settings under which a service answers all it is asked, however late, as what it is compared with does: a closed loop at saturation. */
export const UNLIMITED = {
  STORE_DEADLINE_MS: '10000',
  DEADLINE_MS: '60000',
  QUEUE_WAIT_MAX_MS: '60000',
  QUEUE_WAIT_STANDING_MS: '60000',
  CANDIDATES_IN_FLIGHT_MAX: '100000000',
}
