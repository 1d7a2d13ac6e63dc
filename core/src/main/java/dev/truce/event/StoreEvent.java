package dev.truce.event;

/// Something that happened in a store.
public non-sealed interface StoreEvent extends TruceEvent {}
