// Inside rescue: verdicts of the single cases, put into words in one place.
#pragma once

#include <optional>
#include <string>

#include "salvage/rescue/open.hpp"
#include "salvage/rescue/shell_words.hpp"

namespace salvage::rescue {

/// What to type after a verdict that rests on a footer alone.
[[nodiscard]] std::string next_for_footer(const Verdict& verdict, const Dump& dump);

/// The footer and how it was found, as proof lines: kind, version, kdf, cipher, place, flags.
[[nodiscard]] std::vector<std::string> footer_proof(const FoundFooter& found);

/// Userdata without a usable footer: plain, file-based encryption, key missing, or damaged.
/// `volume` is set where files can be read.
struct PlainJudgement {
    Verdict verdict;
    std::shared_ptr<const OpenedVolume> volume;
};
[[nodiscard]] PlainJudgement judge_without_footer(const Dump& dump, const FooterSearch& footers);
/// Whether userdata shows a filesystem in the clear; the judgement then is not_encrypted or file_based_encryption.
[[nodiscard]] std::optional<PlainJudgement> judge_plain(const Dump& dump);

[[nodiscard]] Verdict needs_secret(const Dump& dump, const FoundFooter& found, bool was_one_given);
[[nodiscard]] Verdict needs_phone_key(const Dump& dump, const FoundFooter& found, const fde::OfflineAnswer& answer);
[[nodiscard]] Verdict not_supported(const FoundFooter& found, const std::string& reason);
[[nodiscard]] Verdict mismatch(const Dump& dump, const FoundFooter& found, const std::string& which_secret);
[[nodiscard]] Verdict damaged_start(const FoundFooter& found, const Error& error);
[[nodiscard]] Verdict opened(const Dump& dump, const OpenedVolume& volume, const FoundFooter* found);

} // namespace salvage::rescue
