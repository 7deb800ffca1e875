// The number of the account; it is part of messages and of the names of its custom objects.

export const portalId = 62515;
