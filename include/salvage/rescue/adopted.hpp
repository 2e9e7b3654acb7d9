// SD cards that a phone made part of its own storage ("adoptable storage", Android 6 on).
//
// The card has a GPT with a partition android_expand, enciphered as a whole; its key lies in a file on the phone's
// userdata that is named for the partition's GUID.  So userdata is opened first, and the card with what is found there.
// Source: AOSP system/vold, Disk.cpp, PrivateVolume.cpp, Utils.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "salvage/filesystem/filesystem.hpp"
#include "salvage/rescue/dump.hpp"
#include "salvage/rescue/open.hpp"

namespace salvage::rescue {

/// The adopted partition of a card's dump; nothing where it has none.
[[nodiscard]] std::optional<partition::Partition> adopted_partition(const Dump& card);

/// A key on a phone's userdata for a card of its own.
struct CardKey {
    std::string path;           ///< "/misc/vold/expand_0f3c….key"
    std::string partition_guid; ///< 32 lower-case hex digits
};
/// All of them, by name.  Errors: those of listing; a phone that never adopted a card has none.
[[nodiscard]] Result<std::vector<CardKey>> card_keys(const filesystem::FileSystem& userdata);

/// The key of `card` from the phone that adopted it.
/// Errors: not_found (no adopted partition; no key for it: says which are there), malformed (a file of another size),
/// those of reading.
[[nodiscard]] Result<GivenMasterKey> adopted_card_key(const Dump& card, const filesystem::FileSystem& userdata);

} // namespace salvage::rescue
