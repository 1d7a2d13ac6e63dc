package dev.truce.lock;

/// That a grant has ended without its holder giving it back.
///
/// @param lock which lock
/// @param token the token that is no longer current
/// @param cause why, for people
public record Loss(String lock, long token, String cause) {}
