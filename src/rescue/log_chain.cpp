// The chain: each record names the hash of the record before; torn lines stand only before a `log.torn`.
#include "rescue/log_chain.hpp"

#include <utility>

#include <fmt/format.h>

#include "rescue/out_folder.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::rescue {
namespace {

/// Lines that are no records, waiting for the record that owns up to them.
class TornLines {
public:
    [[nodiscard]] bool is_empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] const BrokenRecord& first() const noexcept { return first_; }
    /// The last one has no newline: what an interruption leaves at a file's end.  More than one, where it came again
    /// while the record that names them was written.
    [[nodiscard]] bool is_cut_tail() const noexcept { return count_ != 0 && !is_ended_; }

    void add(const LogLine& line)
    {
        if (count_++ == 0) {
            first_ = {.line = line.number,
                      .offset = line.offset,
                      .why = line.is_too_long ? "it is longer than any record" : "it has not the form of a record"};
        }
        hash_.update(as_bytes(line.text));
        hash_.update(as_bytes("\n"));
        bytes_ += line.text.size() + 1;
        is_ended_ = line.is_ended;
        is_any_too_long_ = is_any_too_long_ || line.is_too_long;
    }

    /// Whether `record` is the one that names exactly these lines; older records name none.
    [[nodiscard]] bool are_named_by(const LogRecord& record)
    {
        if (record.event != log_event::torn || is_any_too_long_) {
            return false;
        }
        const auto& data = record.data();
        return data.empty() || (get_number(data, "lines") == count_ && get_number(data, "bytes") == bytes_ &&
                                get_text(data, "sha256") == to_hex(hash_.finish()));
    }

private:
    crypto::Sha256 hash_;
    BrokenRecord first_;
    std::uint64_t count_{0};
    std::uint64_t bytes_{0};
    bool is_ended_{true};
    bool is_any_too_long_{false};
};

BrokenRecord not_linked(const LogLine& line, const LogRecord& record, const LogHead& head)
{
    return {.line = line.number,
            .offset = line.offset,
            .why = fmt::format("it names {} as the hash of the record before; that one has {}", record.previous,
                               head.sha256)};
}

} // namespace

Result<ChainReport> check_chain(LogReader reader, const RecordVisitor& visit)
{
    ChainReport out;
    TornLines torn;
    while (const auto line = SALVAGE_TRY(reader.next())) {
        const auto record = parse_record(*line);
        if (!record) {
            torn.add(*line);
            continue;
        }
        if (!torn.is_empty()) {
            if (record->previous != out.head.sha256 || !torn.are_named_by(*record)) {
                out.broken = torn.first();
                return out;
            }
            out.torn_lines += torn.count();
            torn = TornLines{};
        }
        if (record->previous != out.head.sha256) {
            out.broken = not_linked(*line, *record, out.head);
            return out;
        }
        out.head = {.records = out.head.records + 1, .sha256 = line->sha256};
        visit(*record, *line, out.head.records);
    }
    out.is_tail_torn = torn.is_cut_tail();
    if (!torn.is_empty() && !out.is_tail_torn) {
        out.broken = torn.first();
    }
    return out;
}

} // namespace salvage::rescue
