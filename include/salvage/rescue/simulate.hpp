// A phone made of software over image files: for rehearsing a rescue, and for tests.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/device/phone_flash.hpp"

namespace salvage::rescue {

struct SimulateRequest {
    std::filesystem::path image; ///< the user area
    std::optional<std::filesystem::path> boot1;
    std::optional<std::filesystem::path> boot2;
    /// The images are changed as a phone's flash would be; otherwise every write is refused.
    enum class Images : bool { kept, written_to };
    Images images{Images::kept};
    std::vector<std::string>
        bad_areas; ///< "user:0x1000+512": region, offset, size; in the user area also "userdata+0x10+512"
};

struct SimulatedPhone {
    std::shared_ptr<device::PhoneFlash> flash;
    std::vector<device::PhonePartition> partitions; ///< of the user area, as its tables say
};

/// Errors: io, invalid_argument (a bad area that means nothing), those of the partition tables.
[[nodiscard]] Result<SimulatedPhone> open_simulated_phone(const SimulateRequest& request);

} // namespace salvage::rescue
