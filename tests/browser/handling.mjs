export const handling = { judge() {}, spoilt: {} };
