// Shared pieces of JSON.  Sizes and offsets are bytes, as numbers; unknown is null; keys only grow.
#include "render/json_parts.hpp"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace salvage::render {
namespace {

template <typename T>
Json or_null(const std::optional<T>& value)
{
    return value ? Json(*value) : Json(nullptr);
}

Json text_or_null(const std::string& text)
{
    return text.empty() ? Json(nullptr) : Json(text);
}

Json flag_names(std::uint32_t flags)
{
    struct Flag {
        std::uint32_t bit;
        const char* name;
    };
    constexpr std::array known{
        Flag{fde::footer_flag::key_unencrypted, "key-unencrypted"},
        Flag{fde::footer_flag::encryption_in_progress, "encryption-in-progress"},
        Flag{fde::footer_flag::inconsistent_state, "inconsistent-state"},
        Flag{fde::footer_flag::data_corrupt, "data-corrupt"},
        Flag{fde::footer_flag::force_encryption, "force-encryption"},
        Flag{fde::footer_flag::force_complete, "force-complete"},
    };
    auto out = Json::array();
    auto rest = flags;
    for (const auto& flag : known) {
        if ((flags & flag.bit) != 0) {
            out.push_back(flag.name);
            rest &= ~flag.bit;
        }
    }
    if (rest != 0) {
        out.push_back(fmt::format("{:#x}", rest));
    }
    return out;
}

bool uses_scrypt(fde::Kdf kdf) noexcept
{
    return kdf == fde::Kdf::scrypt || kdf == fde::Kdf::scrypt_keymaster || kdf == fde::Kdf::scrypt_keymaster_unpadded ||
           kdf == fde::Kdf::scrypt_keymaster_badly_padded;
}

const char* name_of(io::ExtentKind kind) noexcept
{
    switch (kind) {
    case io::ExtentKind::data: return "data";
    case io::ExtentKind::hole: return "hole";
    case io::ExtentKind::unreadable: return "unreadable";
    }
    return "data";
}

} // namespace

Json to_json(const Finding& finding)
{
    Json values = Json::object();
    for (const auto& [name, number] : finding.numbers) {
        values[name] = number;
    }
    for (const auto& [name, word] : finding.words) {
        values[name] = word;
    }
    return {{"code", finding.code},
            {"severity", to_string(finding.severity)},
            {"text", finding.text},
            {"where",
             {{"source", text_or_null(finding.where.source)},
              {"offset", finding.where.offset ? Json(finding.where.offset->value) : Json(nullptr)},
              {"partition", text_or_null(finding.where.partition)}}},
            {"values", values}};
}

Json to_json(const std::vector<Finding>& findings)
{
    auto out = Json::array();
    for (const auto& finding : findings) {
        out.push_back(to_json(finding));
    }
    return out;
}

Json to_json(const partition::Partition& partition)
{
    Json out{{"name", partition.name},
             {"region", partition.region},
             {"start", partition.is_start_known ? Json(partition.start.value) : Json(nullptr)},
             {"size", partition.is_size_known ? Json(partition.size.value) : Json(nullptr)},
             {"source", partition.source},
             {"filesystem", text_or_null(partition.filesystem)},
             {"role", to_string(partition.role)}};
    Json attributes = Json::object();
    for (const auto& [name, value] : partition.attributes) {
        attributes[name] = value;
    }
    out["attributes"] = attributes;
    return out;
}

Json to_json(const rescue::Verdict& verdict)
{
    auto cost = Json::array();
    for (const auto& attack : verdict.cost) {
        cost.push_back({{"attack", attack.attack}, {"candidates", attack.candidates}, {"seconds", attack.seconds}});
    }
    return {{"code", to_string(verdict.code)}, {"headline", headline(verdict)},      {"text", verdict.text},
            {"proof", verdict.proof},          {"next", text_or_null(verdict.next)}, {"cost", cost}};
}

Json to_json(const rescue::FoundFooter& found, const rescue::Verdict* verdict)
{
    const auto& footer = found.footer;
    Json scrypt = nullptr;
    if (uses_scrypt(footer.kdf)) {
        scrypt = {{"n", 1ULL << footer.scrypt.n_log2},
                  {"r", 1ULL << footer.scrypt.r_log2},
                  {"p", 1ULL << footer.scrypt.p_log2}};
    }
    const auto bytes_of = [](SectorCount sectors) {
        const auto bytes = to_bytes(sectors, sector_512());
        return bytes ? Json(bytes->value) : Json(nullptr);
    };
    Json persist = Json::object();
    for (const auto& entry : found.persist) {
        persist[entry.key] = entry.value;
    }
    Json out{{"offset", found.offset.value},
             {"file", text_or_null(found.file)},
             {"partition", text_or_null(found.partition)},
             {"place", found.place},
             {"found_by", found.found_by},
             {"kind", fde::to_string(footer.kind)},
             {"version", fmt::format("{}.{}", footer.major, footer.minor)},
             {"kdf", fde::to_string(footer.kdf)},
             {"scrypt", scrypt},
             {"cipher", footer.cipher},
             {"key_bytes", footer.key_bytes},
             {"fs_bytes", bytes_of(footer.fs_size)},
             {"crypt_type", footer.crypt_type ? Json(fde::to_string(*footer.crypt_type)) : Json(nullptr)},
             {"flags", flag_names(footer.flags)},
             {"failed_decrypt_count", footer.failed_decrypt_count},
             {"encrypted_upto", footer.encrypted_upto ? bytes_of(*footer.encrypted_upto) : Json(nullptr)},
             {"keymaster", fde::to_string(footer.keymaster)},
             {"sha256_valid", or_null(footer.is_sha256_valid)},
             {"placement", {{"fits", found.placement.fits}, {"text", found.placement.text}}},
             {"persist", persist},
             {"findings", to_json(footer.findings)}};
    out["verdict"] = verdict != nullptr ? to_json(*verdict) : Json(nullptr);
    return out;
}

Json to_json(const rescue::Decoy& decoy)
{
    return {{"offset", decoy.offset.value}, {"partition", text_or_null(decoy.partition)}, {"reason", decoy.reason}};
}

Json to_json(const rescue::SourceFacts& source)
{
    return {{"path", source.path},
            {"container", source.container},
            {"size", source.size.value},
            {"sha256", or_null(source.sha256)}};
}

Json to_json(const std::vector<io::Extent>& extents)
{
    auto out = Json::array();
    for (const auto& extent : extents) {
        out.push_back({{"start", extent.range.start().value},
                       {"size", extent.range.size().value},
                       {"kind", name_of(extent.kind)}});
    }
    return out;
}

void add_layout(Json& into, const partition::Layout& layout)
{
    auto sources = Json::array();
    for (const auto& table : layout.tables) {
        sources.push_back({{"path", table.path}, {"kind", table.kind}, {"dialect", text_or_null(table.dialect)}});
    }
    auto partitions = Json::array();
    for (const auto& partition : layout.partitions) {
        partitions.push_back(to_json(partition));
    }
    into["sources"] = sources;
    into["device_size"] = layout.device_size ? Json(layout.device_size->value) : Json(nullptr);
    into["sector_size"] = layout.sector_size.bytes();
    into["partitions"] = partitions;
    into["findings"] = to_json(layout.findings);
}

void add_inspect(Json& into, const rescue::InspectReport& report)
{
    into["source"] = to_json(report.source);
    into["verdict"] = to_json(report.outcome.verdict);
    add_layout(into, report.layout);
    for (std::size_t i = 0; i < report.partitions.size(); ++i) {
        const auto& facts = report.partitions[i];
        auto& partition = into["partitions"].at(i);
        if (partition["filesystem"].is_null()) {
            partition["filesystem"] = text_or_null(facts.filesystem);
        }
        partition["looks"] = facts.looks;
        partition["entropy"] = facts.entropy < 0 ? Json(nullptr) : Json(facts.entropy);
    }
    into["findings"] = to_json(report.findings);
    into["footers"] = Json::array();
    for (std::size_t i = 0; i < report.outcome.footers.footers.size(); ++i) {
        const bool is_used = report.outcome.volume && report.outcome.volume->footer == i;
        into["footers"].push_back(
            to_json(report.outcome.footers.footers[i], is_used ? &report.outcome.verdict : nullptr));
    }
    into["decoys"] = Json::array();
    for (const auto& decoy : report.outcome.footers.decoys) {
        into["decoys"].push_back(to_json(decoy));
    }
    const auto& complete = report.completeness;
    into["completeness"] = {{"complete", complete.is_complete},
                            {"expected", complete.expected ? Json(complete.expected->value) : Json(nullptr)},
                            {"present", complete.present.value},
                            {"unreadable", complete.unreadable.value},
                            {"text", complete.text}};
    auto values = Json::array();
    for (const auto& block : report.scan.blocks) {
        const auto rounded = std::round(static_cast<double>(block.entropy) * 100.0) / 100.0;
        values.push_back(block.is_unreadable || block.entropy < 0 ? Json(nullptr) : Json(rounded));
    }
    into["entropy"] = {{"block", report.scan.block.value}, {"values", values}};
    into["extents"] = to_json(report.scan.extents);
    into["zero_bytes"] = report.scan.zero_bytes.value;
}

std::string dumped(const Json& document)
{
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace salvage::render
