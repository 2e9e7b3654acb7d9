// Where carved files lay, and how they are named after it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "salvage/io/byte_source.hpp"

namespace salvage::rescue {

/// Ranges of the gathered areas as ranges of the volume.
class AreaMap {
public:
    /// The areas in the order in which they were gathered.
    explicit AreaMap(const std::vector<ByteRange>& areas);
    /// Adds what `gathered` covers; neighbours are joined.
    void add_to(std::vector<ByteRange>& out, ByteRange gathered) const;

private:
    struct Part {
        std::uint64_t start{};
        ByteRange area;
    };
    std::vector<Part> parts_;
};

/// How many files there are of a name.
using Names = std::map<std::string, unsigned, std::less<>>;
/// "0000001f4000.jpg", where its first byte lies in the volume; of several from one place "…-2.jpg".  Notes it in
/// `taken`.
[[nodiscard]] std::string name_for(const std::vector<ByteRange>& runs, const std::string& ending, Names& taken);

/// Each run's offset in the volume, and the file and the offset there where all of it lies; "dump" is null where the
/// dump is packed or in pieces, so that there is no such place.
[[nodiscard]] nlohmann::ordered_json runs_json(const io::ByteSource& volume, const std::vector<ByteRange>& runs);

} // namespace salvage::rescue
