// A plan as a document, and back.  What is read has to be, byte for byte, what would be written for it: so nothing
// that a person read in it can differ from what is done.  Format: docs/formats/restore-plan.md.
#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "rescue/restore_draft.hpp"
#include "rescue/restore_rules.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view schema = "salvage.restore-plan/1";
// A step takes about 700 bytes, a finding 500: room for every partition of the longest table.
constexpr ByteCount max_plan{16ULL << 20U};
// GPT tables of phones have 128 entries at most.
constexpr std::size_t max_steps = 256;
constexpr std::size_t max_list = 4096;
// steps, a step, its image, a value; one to spare.
constexpr int max_depth = 6;
constexpr std::size_t sha256_digits = 64;

template <typename T>
Json or_null(const std::optional<T>& value)
{
    return value ? Json(*value) : Json(nullptr);
}

template <typename T>
Json number_or_null(const std::optional<T>& value)
{
    return value ? Json(value->value) : Json(nullptr);
}

Json text_or_null(const std::string& text)
{
    return text.empty() ? Json(nullptr) : Json(text);
}

// Not render's: a report may grow, a plan's bytes are hashed and must read the same for ever.
Json to_json(const Finding& finding)
{
    auto values = Json::object();
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
              {"offset", number_or_null(finding.where.offset)},
              {"partition", text_or_null(finding.where.partition)}}},
            {"values", values}};
}

Json to_json(const RestoreStep& step)
{
    return {
        {"partition", step.partition},
        {"tool", to_string(step.tool)},
        {"image",
         {{"path", step.image.path},
          {"start", step.image.range.start().value},
          {"size", step.image.range.size().value},
          {"sha256", step.image.sha256}}},
        {"target",
         {{"region", step.region}, {"start", number_or_null(step.start)}, {"size", number_or_null(step.phone_size)}}},
        {"why", step.why},
        {"bytes_a_second", step.bytes_a_second.value},
        {"seconds", step.seconds()}};
}

Json to_json(const RefusedPartition& refused)
{
    return {{"partition", refused.partition},
            {"reason", refused.reason},
            {"source", refused.source},
            {"can_be_asked_for", refused.can_be_asked_for}};
}

template <typename T>
Json list_of(const std::vector<T>& values)
{
    auto out = Json::array();
    for (const auto& value : values) {
        out.push_back(to_json(value));
    }
    return out;
}

/// All but the hash.
Json document_of(const RestorePlan& plan)
{
    return {{"schema", schema},
            {"source", plan.source},
            {"verdict", {{"code", plan.verdict}, {"text", plan.verdict_text}}},
            {"phone",
             {{"product", or_null(plan.phone.product)},
              {"serial", or_null(plan.phone.serial)},
              {"unlocked", or_null(plan.phone.is_unlocked)},
              {"max_download", number_or_null(plan.phone.max_download)},
              {"known_from", plan.known_from}}},
            {"firmware", {{"dump", or_null(plan.firmware)}, {"phone", or_null(plan.phone_firmware)}}},
            {"missing", list_of(plan.missing)},
            {"steps", list_of(plan.steps)},
            {"refused", list_of(plan.refused)},
            {"conflicts", list_of(plan.conflicts)},
            {"notes", plan.notes},
            {"also", plan.also},
            {"bytes", plan.bytes().value},
            {"seconds", plan.seconds()},
            {"can_be_applied", plan.blocker() == nullptr}};
}

std::string digest(const Json& document)
{
    const auto canonical = document.dump(-1, ' ', false, Json::error_handler_t::replace);
    return to_hex(crypto::sha256(as_bytes(canonical)));
}

/// Nothing where it is no JSON, or deeper than a plan is: what walks a document later does so by recursion.
std::optional<Json> parse_shallow(std::string_view text)
{
    bool is_too_deep = false;
    const auto callback = [&](int depth, Json::parse_event_t /*event*/, const Json& /*value*/) {
        is_too_deep = is_too_deep || depth > max_depth;
        return !is_too_deep;
    };
    auto out = Json::parse(text, callback, false);
    return is_too_deep || out.is_discarded() ? std::nullopt : std::optional{std::move(out)};
}

// Reading: what is missing or of another type becomes empty; the comparison at the end finds it.

Json at(const Json& object, const char* key)
{
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() ? *found : Json(nullptr);
}

std::string text_at(const Json& object, const char* key)
{
    const auto value = at(object, key);
    return value.is_string() ? value.get<std::string>() : std::string{};
}

std::optional<std::string> text_or_nothing(const Json& object, const char* key)
{
    const auto value = at(object, key);
    return value.is_string() ? std::optional{value.get<std::string>()} : std::nullopt;
}

std::optional<std::uint64_t> number_at(const Json& object, const char* key)
{
    const auto value = at(object, key);
    return value.is_number_unsigned() ? std::optional{value.get<std::uint64_t>()} : std::nullopt;
}

std::optional<bool> flag_at(const Json& object, const char* key)
{
    const auto value = at(object, key);
    return value.is_boolean() ? std::optional{value.get<bool>()} : std::nullopt;
}

template <typename T>
std::optional<T> quantity_at(const Json& object, const char* key)
{
    const auto value = number_at(object, key);
    return value ? std::optional{T{*value}} : std::nullopt;
}

template <typename T>
std::vector<T> list_at(const Json& object, const char* key, T (*read)(const Json&))
{
    std::vector<T> out;
    const auto list = at(object, key);
    if (list.is_array() && list.size() <= max_list) {
        for (const auto& one : list) {
            out.push_back(read(one));
        }
    }
    return out;
}

std::string read_text(const Json& value)
{
    return value.is_string() ? value.get<std::string>() : std::string{};
}

Severity severity_of(std::string_view text)
{
    return text == "error" ? Severity::error : text == "warning" ? Severity::warning : Severity::note;
}

Finding read_finding(const Json& object)
{
    const auto where = at(object, "where");
    const auto values = at(object, "values");
    Finding out{.code = text_at(object, "code"),
                .severity = severity_of(text_at(object, "severity")),
                .text = text_at(object, "text"),
                .where = {.source = text_at(where, "source"),
                          .offset = quantity_at<ByteOffset>(where, "offset"),
                          .partition = text_at(where, "partition")},
                .numbers = {},
                .words = {}};
    for (const auto& [name, value] : values.items()) {
        if (value.is_string()) {
            out.words.emplace_back(name, value.get<std::string>());
        } else {
            out.numbers.emplace_back(name, value.is_number_unsigned() ? value.get<std::uint64_t>() : 0);
        }
    }
    return out;
}

RestoreStep read_step(const Json& object)
{
    const auto image = at(object, "image");
    const auto target = at(object, "target");
    RestoreStep out;
    out.partition = text_at(object, "partition");
    out.tool = restore_tool_of(text_at(object, "tool")).value_or(RestoreTool::fastboot);
    out.image.path = text_at(image, "path");
    out.image.range = ByteRange::make(ByteOffset{number_at(image, "start").value_or(0)},
                                      ByteCount{number_at(image, "size").value_or(0)})
                          .value_or(ByteRange{});
    out.image.sha256 = text_at(image, "sha256");
    out.region = text_at(target, "region");
    out.start = quantity_at<ByteOffset>(target, "start");
    out.phone_size = quantity_at<ByteCount>(target, "size");
    out.why = text_at(object, "why");
    out.bytes_a_second = quantity_at<ByteCount>(object, "bytes_a_second").value_or(ByteCount{0});
    return out;
}

RefusedPartition read_refused(const Json& object)
{
    return {.partition = text_at(object, "partition"),
            .reason = text_at(object, "reason"),
            .source = text_at(object, "source"),
            .can_be_asked_for = flag_at(object, "can_be_asked_for").value_or(false)};
}

RestorePlan read_plan(const Json& object)
{
    const auto verdict = at(object, "verdict");
    const auto phone = at(object, "phone");
    const auto firmware = at(object, "firmware");
    RestorePlan out;
    out.source = text_at(object, "source");
    out.verdict = text_at(verdict, "code");
    out.verdict_text = text_at(verdict, "text");
    out.phone = {.product = text_or_nothing(phone, "product"),
                 .serial = text_or_nothing(phone, "serial"),
                 .is_unlocked = flag_at(phone, "unlocked"),
                 .max_download = quantity_at<ByteCount>(phone, "max_download")};
    out.known_from = list_at(phone, "known_from", read_text);
    out.firmware = text_or_nothing(firmware, "dump");
    out.phone_firmware = text_or_nothing(firmware, "phone");
    out.missing = list_at(object, "missing", read_finding);
    out.steps = list_at(object, "steps", read_step);
    out.refused = list_at(object, "refused", read_refused);
    out.conflicts = list_at(object, "conflicts", read_finding);
    out.notes = list_at(object, "notes", read_text);
    out.also = list_at(object, "also", read_text);
    return out;
}

Error not_a_plan(std::string why)
{
    return Error{ErrorCode::malformed,
                 "this is not a restore plan as this program writes it",
                 std::move(why),
                 std::nullopt,
                 "make it anew with: salvage restore plan",
                 {}};
}

bool is_digest(std::string_view text)
{
    return text.size() == sha256_digits &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// The rules hold for a plan that anybody may have written.
Result<> check_step(const RestorePlan& plan, const RestoreStep& step)
{
    const auto* const rule = write_rule_of(step.partition, step.region);
    const bool is_asked_for =
        std::ranges::any_of(plan.also, [&](const auto& name) { return is_same_name(name, step.partition); });
    if (forbids(rule, AskedFor{is_asked_for})) {
        return Error{ErrorCode::refused,
                     fmt::format("the plan writes '{}', which is not written", printable(step.partition)),
                     fmt::format("{} ({})", rule->reason, rule->source),
                     std::nullopt,
                     "make the plan anew with: salvage restore plan",
                     {}};
    }
    if (step.partition.empty() || step.image.path.empty() || !is_digest(step.image.sha256)) {
        return not_a_plan("a step lacks its partition, its image or its hash");
    }
    if (step.image.range.is_empty() || step.bytes_a_second.value == 0) {
        return not_a_plan(fmt::format("the step of '{}' writes nothing", printable(step.partition)));
    }
    if (step.start && !ByteRange::make(*step.start, step.image.range.size())) {
        return not_a_plan(fmt::format("the place of '{}' ends past 2^64", printable(step.partition)));
    }
    if (step.phone_size && step.image.range.size() > *step.phone_size && plan.blocker() == nullptr) {
        return not_a_plan(fmt::format("the image of '{}' is larger than its place", printable(step.partition)));
    }
    return {};
}

Result<> check_plan(const RestorePlan& plan)
{
    if (plan.steps.size() > max_steps) {
        return not_a_plan(fmt::format("it has more than {} steps", max_steps));
    }
    std::set<std::string> names;
    std::uint64_t total = 0;
    for (const auto& step : plan.steps) {
        SALVAGE_TRY(check_step(plan, step));
        if (!names.insert(plain_name(step.partition)).second) {
            return not_a_plan(fmt::format("'{}' is written twice", printable(step.partition)));
        }
        const auto sum = checked_add(total, step.image.range.size().value);
        if (!sum) {
            return not_a_plan("its images have more than 2^64 bytes together");
        }
        total = *sum;
    }
    return {};
}

} // namespace

std::string hash_of(const RestorePlan& plan)
{
    return digest(document_of(plan));
}

std::string format_plan(const RestorePlan& plan)
{
    auto document = document_of(plan);
    document["hash"] = digest(document);
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<RestorePlan> parse_plan(ByteView bytes)
{
    if (bytes.size() > max_plan.value) {
        return unsupported("the plan is too large", fmt::format("it has more than {}", format_size(max_plan)));
    }
    const auto document = parse_shallow(as_text(bytes));
    if (!document || text_at(*document, "schema") != schema) {
        return not_a_plan(fmt::format("its schema is not {}", schema));
    }
    auto plan = read_plan(*document);
    SALVAGE_TRY(check_plan(plan));
    // Byte for byte: a key given twice, a number written as 1e3, a value of ours that was changed, all differ here.
    if (format_plan(plan) != as_text(bytes)) {
        return not_a_plan("it was edited, or another version of this program wrote it");
    }
    return plan;
}

Result<RestorePlan> load_plan(const std::filesystem::path& path)
{
    const auto file = SALVAGE_TRY(io::open_file(path).in("opening the plan"));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_plan).in("reading the plan"));
    return parse_plan(bytes).at(path.string(), ByteOffset{0});
}

} // namespace salvage::rescue
