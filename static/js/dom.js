// Shorthands for finding elements.

/** The first element that matches, or null. */
export const $ = (query, within = document) => within.querySelector(query);

/** All elements that match, as an array. */
export const $$ = (query, within = document) => [...within.querySelectorAll(query)];

/** The list of a page: its table, and what filters and pages change with it. */
export const LIST = '[data-list]';
