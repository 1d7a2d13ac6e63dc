package dev.truce.store;

/// A key with its value.
///
/// @param revision of the commit that put it there; 0 for what a draft has put itself
public record Entry<V>(String key, V value, long revision) {}
