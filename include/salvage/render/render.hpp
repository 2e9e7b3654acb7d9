// Reports as text for people and as JSON for programs.  Knows report structs and nothing else.
#pragma once

#include <cstdint>
#include <string>

#include "salvage/rescue/decrypt.hpp"
#include "salvage/rescue/inspect.hpp"
#include "salvage/rescue/layout.hpp"
#include "salvage/rescue/look.hpp"
#include "salvage/rescue/read_flash.hpp"
#include "salvage/rescue/rescue.hpp"
#include "salvage/rescue/restore.hpp"
#include "salvage/rescue/walk.hpp"

namespace salvage::render {

enum class Colour : bool { off, on };

/// How text is laid out.
struct TextStyle {
    Colour colour{Colour::off};
};

/// Every text ends in a newline; every JSON is one document with a "schema" key, two-space indented.
[[nodiscard]] std::string text(const partition::Layout& layout, TextStyle style);
[[nodiscard]] std::string json(const partition::Layout& layout);
/// One line an offset: "62685220 = 0x3bc8024 = metadata+0x24".
[[nodiscard]] std::string text(const rescue::NamedOffsets& named, TextStyle style);
/// The layout's document with one key more, "offsets".
[[nodiscard]] std::string json(const rescue::NamedOffsets& named);
[[nodiscard]] std::string text(const rescue::InspectReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::InspectReport& report);
[[nodiscard]] std::string text(const rescue::FooterReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::FooterReport& report);
[[nodiscard]] std::string text(const rescue::FindReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::FindReport& report);
[[nodiscard]] std::string text(const rescue::HexReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::HexReport& report);
[[nodiscard]] std::string text(const rescue::RescueReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::RescueReport& report);
[[nodiscard]] std::string text(const rescue::ExportReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::ExportReport& report);
[[nodiscard]] std::string text(const rescue::SplitReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::SplitReport& report);
[[nodiscard]] std::string text(const rescue::DecryptReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::DecryptReport& report);
/// A plan as a person reads it before it is applied; its JSON is the document that is applied.
[[nodiscard]] std::string text(const rescue::RestorePlan& plan, TextStyle style);
[[nodiscard]] std::string json(const rescue::RestorePlan& plan);
[[nodiscard]] std::string text(const rescue::ApplyReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::ApplyReport& report);
[[nodiscard]] std::string text(const rescue::VerifyReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::VerifyReport& report);
[[nodiscard]] std::string text(const rescue::ReadReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::ReadReport& report);
[[nodiscard]] std::string text(const rescue::StorageReport& report, TextStyle style);
[[nodiscard]] std::string json(const rescue::StorageReport& report);
/// A search: the hit itself is printed by the command, as `target:plain`.
[[nodiscard]] std::string text(const rescue::SearchReport& report, TextStyle style);
/// With the secret: `found` is what this document is for.
[[nodiscard]] std::string json(const rescue::SearchReport& report);
/// One line of `ls`: text, or one JSON object (JSON Lines).
[[nodiscard]] std::string text(const rescue::ListedEntry& listed, TextStyle style);
[[nodiscard]] std::string json(const rescue::ListedEntry& listed);
[[nodiscard]] std::string text(const rescue::Verdict& verdict, TextStyle style);
/// The error as the command line shows it: what, where, why, hint, each on a line.
[[nodiscard]] std::string text(const Error& error, TextStyle style);

} // namespace salvage::render
