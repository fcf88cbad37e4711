// Shorthands for finding elements.

/** The first element that matches, or null. */
export const $ = (query, within = document) => within.querySelector(query);

/** All elements that match, as an array. */
export const $$ = (query, within = document) => [...within.querySelectorAll(query)];
