document.title = "Footfall";
