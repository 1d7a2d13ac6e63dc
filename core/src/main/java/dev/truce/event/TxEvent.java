package dev.truce.event;

/// Something that happened in a transaction.
public non-sealed interface TxEvent extends TruceEvent {}
