// Case logs: the chain is followed as far as it holds, and no file it names leads out of the case.
#include <cstdint>
#include <span>
#include <string>

#include "require.hpp"
#include "rescue/beneath.hpp"
#include "rescue/case_ledger.hpp"
#include "rescue/case_signatures.hpp"
#include "rescue/log_chain.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace salvage;
    using fuzz::require;
    const auto bytes = std::as_bytes(std::span{data, size});
    rescue::CaseLedger ledger;
    std::uint64_t records = 0;
    std::uint64_t at = 0;
    const auto chain =
        rescue::check_chain(rescue::read_log_from(bytes),
                            [&](const rescue::LogRecord& record, const rescue::LogLine& line, std::uint64_t number) {
                                require(number == ++records);
                                require(line.offset.value >= at && line.end().value <= size);
                                at = line.end().value;
                                require(as_text(bytes.subspan(line.offset.value, line.text.size())) == line.text);
                                ledger.add(record);
                            });
    require(chain.has_value());
    require(chain->head.records == records);
    if (chain->broken) {
        require(chain->broken->offset.value >= at && chain->broken->offset.value < size);
        require(!chain->broken->why.empty() && !chain->is_tail_torn);
    }
    for (const auto& [path, expected] : ledger.files()) {
        require(expected.written || expected.planned);
        require(!rescue::is_beneath(path) ||
                (!path.starts_with('/') && ("/" + path + "/").find("/../") == std::string::npos));
    }
    const auto head = rescue::parse_head(as_text(bytes));
    require(!head || rescue::head_text(*head) == as_text(bytes));
    return 0;
}
